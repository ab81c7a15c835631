"""The interface of a training task: an answer, its losses and its accuracy. Each task's file has such a class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor, nn

from dmin.data.clips import Batch

if TYPE_CHECKING:  # inference needs no torchmetrics, which loads slowly
    from torchmetrics import Metric


class Task(Protocol):
    """A network is trained on the first of `losses` and chosen by its `metric` on the validation split."""

    def answer(self, model: nn.Module, batch: Batch) -> Any:
        """Run the network."""

    def losses(self, output: Any, batch: Batch) -> dict[str, Tensor]:
        """Scalars by name: "loss", to be minimised, and its terms."""

    def metric(self) -> Metric:
        """A measure of accuracy, the higher the better."""

    def count(self, metric: Any, output: Any, batch: Batch) -> None:
        """Let the measure see one batch."""
