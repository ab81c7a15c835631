"""Libraries that run the frozen networks: OpenVINO on the CPU where it is installed (extra ``fast``), torch elsewhere.

OpenVINO gives what torch gives to 1e-4, in less time. In bfloat16 both take a third of the time or less, and features
differ by some percent.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from dmin.errors import ModelError

TensorToTensor = Callable[[Tensor], Tensor]
_MOST_DIFFERENCE = 1e-3
"""Of exact outputs from torch's, as a share of the largest: beyond it, something was converted wrongly."""


def runtime_name(device: torch.device) -> str:
    """The library that runs frozen networks on a device, with its version.

    Example:
        >>> runtime_name(torch.device("cuda")).split()[0]
        'torch'
    """
    if device.type == "cpu" and _is_installed():
        return f"openvino {version('openvino')}"
    return f"torch {torch.__version__.partition('+')[0]}"


def is_fast(device: torch.device) -> bool:
    """True if a device computes bfloat16 faster than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    known: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # older torch does not tell
    return any(known.get(name) for name in ("amx_bf16", "avx512_bf16", "bf16", "sve_bf16"))


def require_fast(device: torch.device) -> None:
    """Make sure that bfloat16 pays on a device.

    Raises:
        ModelError: It does not.
    """
    if not is_fast(device):
        raise ModelError(
            f"fast features need bfloat16, for which this machine's {device.type} has no instructions: work without "
            "--fast, which is as fast here, or go where there is a processor with AMX or AVX512-BF16, or a GPU with it"
        )


class Runtime:
    """Runs one network: compiled for the CPU by OpenVINO at its first inputs if that is installed, else by torch.

    Args:
        name: Of the backbone, for messages.
        fast: Compute in bfloat16, wherever it runs.
    """

    def __init__(self, name: str, fast: bool = False) -> None:
        self.name = name
        self.fast = fast
        self._forget()

    def __call__(self, network: TensorToTensor, inputs: Tensor) -> Tensor:
        """The network's outputs, float32, for a batch of any size.

        Args:
            network: Always the same one. Its inputs and outputs have the batch as their first axis.
            inputs: [N, ...] on the network's device.
        """
        if inputs.device.type == "cpu" and _is_installed() and not self._is_refused and not inputs.requires_grad:
            with self._lock:
                compiled = self._compiled_for(network, inputs)
                if compiled is not None:
                    return compiled(inputs)
        with self.precision(inputs.device):
            return network(inputs).float()

    def precision(self, device: torch.device) -> AbstractContextManager[Any]:
        """Context in which torch computes in bfloat16 if this is fast."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.fast)

    def _compiled_for(self, network: TensorToTensor, inputs: Tensor) -> TensorToTensor | None:
        # Batches of all sizes share one; threads are compiled in.
        key = (inputs.shape[1:], inputs.dtype, torch.get_num_threads())
        if key not in self._compiled:
            try:
                self._compiled[key] = self._compile(network, inputs)
            except Exception as error:  # of two libraries, without a common base
                self._is_refused = True
                reason = " ".join(str(error).split())[:200]
                warnings.warn(
                    f"OpenVINO cannot run {self.name} ({type(error).__name__}: {reason}): torch does, more slowly",
                    stacklevel=5,
                )
                return None
        return self._compiled[key]

    def _compile(self, network: TensorToTensor, inputs: Tensor) -> TensorToTensor:
        compiled = _Compiled(network, inputs, self.fast)
        if not self.fast:
            first = inputs[:1]
            expected = network(first)
            apart = float((compiled(first) - expected).abs().max() / expected.abs().max().clamp(min=1e-6))
            if not apart <= _MOST_DIFFERENCE:
                raise ArithmeticError(f"its outputs differ by {apart:.1g} of the largest from torch's")
        return compiled

    def _forget(self) -> None:
        self._compiled: dict[Any, TensorToTensor] = {}
        self._is_refused = False
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Name and precision alone, as another process compiles for itself."""
        return {"name": self.name, "fast": self.fast}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.name, self.fast = state["name"], state["fast"]
        self._forget()


class _Compiled:
    """A network that OpenVINO has compiled for one shape of inputs, in batches of any size."""

    def __init__(self, network: TensorToTensor, inputs: Tensor, fast: bool) -> None:
        openvino = _openvino()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch would rather be traced otherwise; OpenVINO reads this
            # Two, as a batch of one may be taken for granted.
            example = inputs[:1].expand(2, *inputs.shape[1:])
            traced = torch.jit.trace(_Module(network), example, check_trace=False)  # type: ignore[no-untyped-call]
            model = openvino.convert_model(traced, input=[openvino.PartialShape([-1, *inputs.shape[1:]])])
        self._request = openvino.Core().compile_model(model, "CPU", _settings(fast)).create_infer_request()

    def __call__(self, inputs: Tensor) -> Tensor:
        outputs = self._request.infer({0: inputs.contiguous().numpy()}, share_inputs=True)
        return torch.from_numpy(outputs[0])


def _settings(fast: bool) -> dict[str, Any]:
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "bf16" if fast else "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "ENABLE_CPU_PINNING": False,  # else the threads of several processes all sit on the same cores
    }


class _Module(nn.Module):
    """A function as a module, the only thing that can be traced with its weights."""

    def __init__(self, function: TensorToTensor) -> None:
        super().__init__()
        self.function = function

    def forward(self, inputs: Tensor) -> Tensor:
        return self.function(inputs)


def _openvino() -> Any:
    """The module, kept from telling its makers over the network that and how it is used."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # it then takes its own stub
    import openvino

    return openvino


@cache
def _is_installed() -> bool:
    return find_spec("openvino") is not None
