"""AVDLN (Tian et al. 2018): sound and picture in one space, near each other where they belong together."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dmin.checks import check_sizes
from dmin.lab.zoo.avel import AVEL_PAPER
from dmin.layers.numeric import widened
from dmin.models.bases import MatchingModel
from dmin.models.config import MatchingConfig
from dmin.models.outputs import EmbeddingOutput
from dmin.models.systems import system


@dataclass(frozen=True)
class AVDLNConfig(MatchingConfig):
    """Sizes of AVDLN; the defaults are the released code's.

    Raises:
        ModelError: A size that no network can have.
    """

    hidden: int = 128
    embedding: int = 64
    """Channels of the common space."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "hidden", "embedding")


@system(
    "avdln",
    title="AVDLN",
    paper=AVEL_PAPER,
    year=2018,
    source="public code (YapengTian/AVE-ECCV18)",
    schedule={"all": {"epochs": 20, "batch_size": 8, "learning_rate": 1e-3, "milestones": (), "gradient_clip": 0.0}},
)
class AVDLN(MatchingModel):
    """Two layers a modality; a contrastive loss on the distance of both at each second of a clip, event or not.

    The loss is in `dmin.lab.zoo.embedding_matching`, where the window of the smallest summed distance wins. One network
    could serve both directions, for nothing in its training depends on the direction; here each has its own, as all
    systems of matching do.

    The released code defines a decay of the rate and never uses it, and its test file has a margin of 1 that nothing
    reads: the rate is constant here, the margin 2. Its test script prints V2A before A2V: look at which column is which
    before a gap to the printed table is explained.

    Example:
        >>> model = AVDLN(AVDLNConfig(visual_size=16, audio_size=8))
        >>> model(torch.rand(2, 10, 16), torch.rand(2, 10, 8), torch.arange(10).expand(2, 10) < 3).similarity.shape
        torch.Size([2, 10, 10])
    """

    config_type = AVDLNConfig
    config: AVDLNConfig
    objective = "contrastive"

    def __init__(self, config: AVDLNConfig) -> None:
        super().__init__(config)
        c = config
        self.visual = _embedder(c.visual_size, c.hidden, c.embedding)
        self.audio = _embedder(c.audio_size, c.hidden, c.embedding)

    def known(self, query_mask: Tensor, mask: Tensor | None) -> Tensor | None:
        """All of the clip: each second is embedded alone, and only the query's are compared."""
        return mask

    def _answer(
        self, asking: Tensor, query_mask: Tensor, keep: Tensor | None, asked: Tensor, mask: Tensor | None
    ) -> EmbeddingOutput:
        of_asking, of_asked = (self.audio, self.visual) if self.config.direction == "a2v" else (self.visual, self.audio)
        query, candidates = of_asking(asking), of_asked(asked)
        distance = torch.cdist(widened(query), widened(candidates), compute_mode="donot_use_mm_for_euclid_dist")
        return EmbeddingOutput(query, candidates, -distance)


def _embedder(size: int, hidden: int, embedding: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(size, hidden), nn.LeakyReLU(0.3), nn.Linear(hidden, embedding))
