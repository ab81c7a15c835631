"""OpenVINO gives what torch gives, for batches of any size; what it cannot run, torch runs, and a warning says so."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from typing import Any

import pytest
import torch
from backbones_random import random_weights  # noqa: F401  # fixtures
from backbones_threads import one_thread  # noqa: F401  # fixtures
from test_backbones_registry import BUILT_IN, inputs, loaded
from torch import Tensor, nn

from dmin.backbones import Backbone, runtime
from dmin.backbones.runtime import Runtime, runtime_name
from dmin.errors import ModelError

openvino = pytest.importorskip("openvino", reason="the extra fast is not installed")


@pytest.fixture(scope="module", params=BUILT_IN)
def backbone(request: pytest.FixtureRequest) -> Backbone:
    return loaded(request.param)


def by_torch(backbone: Backbone, inputs: Tensor) -> Tensor:
    kept, backbone.runtime = backbone.runtime, None
    features = backbone(inputs)
    backbone.runtime = kept
    return features


def apart(one: Tensor, other: Tensor) -> float:
    """The largest difference, as a share of the largest value."""
    return float((one - other).abs().max() / other.abs().max())


class TestEachBuiltIn:
    def test_outputs_are_those_of_torch(self, backbone: Backbone, compilations: list[Any]) -> None:
        some = inputs(backbone.card, 3)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # it is not refused
            for count in (3, 1, 2):
                features = backbone(some[:count])
                assert features.dtype == torch.float32
                assert apart(features, by_torch(backbone, some[:count])) < 1e-4
        assert len(compilations) <= 1  # one for all sizes of a batch

    def test_fast_ones_are_near(self, backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
        some = inputs(backbone.card, 2)
        monkeypatch.setattr(backbone, "runtime", Runtime(backbone.card.name, fast=True))
        fast = backbone(some)
        assert fast.dtype == torch.float32
        exact = by_torch(backbone, some)
        assert 1e-4 < float((fast - exact).norm() / exact.norm()) < 0.1


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The compilations from here on."""
    found: list[Any] = []
    compiled = runtime._Compiled

    def noting(*args: Any) -> Any:
        found.append(args)
        return compiled(*args)

    monkeypatch.setattr(runtime, "_Compiled", noting)
    return found


class Small(nn.Module):
    """[N, 4] -> [N, 3]."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3).requires_grad_(False)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layer(inputs).relu()


class TestRuntime:
    def test_threads_follow_torchs(self, compilations: list[Any]) -> None:
        run, network, some = Runtime("small"), Small(), torch.rand(5, 4)
        for threads in (1, 2, 2, 1):
            torch.set_num_threads(threads)
            torch.testing.assert_close(run(network, some), network(some))
        assert len(compilations) == 2
        assert runtime._settings(fast=False)["INFERENCE_NUM_THREADS"] == 1

    def test_what_cannot_be_converted_runs_on_torch_and_is_told_once(self) -> None:
        def odd(inputs: Tensor) -> Tensor:
            return torch.linalg.eigvalsh(inputs)

        run, some = Runtime("odd"), torch.rand(2, 3, 3)
        with pytest.warns(UserWarning, match=r"^OpenVINO cannot run odd \(.+\): torch does, more slowly$"):
            torch.testing.assert_close(run(odd, some), odd(some))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            torch.testing.assert_close(run(odd, some), odd(some))

    def test_what_is_converted_wrongly_runs_on_torch(self) -> None:
        def remembering(inputs: Tensor) -> Tensor:
            return inputs + float(inputs.sum())  # a number of the example's, to who traces it

        run, some = Runtime("remembering"), torch.rand(2, 3)
        with pytest.warns(UserWarning, match=r"cannot run remembering \(ArithmeticError: its outputs differ by"):
            torch.testing.assert_close(run(remembering, some), remembering(some))

    def test_inputs_that_want_gradients_get_them(self) -> None:
        some = torch.rand(2, 4, requires_grad=True)
        Runtime("small")(Small(), some).sum().backward()
        assert some.grad is not None

    def test_another_process_compiles_for_itself(self, compilations: list[Any]) -> None:
        run, network, some = Runtime("small", fast=True), Small(), torch.rand(2, 4)
        run(network, some)
        again = pickle.loads(pickle.dumps(run))
        assert (again.name, again.fast) == ("small", True)
        torch.testing.assert_close(again(network, some), run(network, some), rtol=0, atol=0)
        assert len(compilations) == 2

    def test_outputs_stay_when_the_next_batch_comes(self) -> None:
        run, network = Runtime("small"), Small()
        first = run(network, torch.zeros(2, 4))
        kept = first.clone()
        run(network, torch.ones(2, 4))
        torch.testing.assert_close(first, kept, rtol=0, atol=0)


@pytest.mark.parametrize(("instructions", "expected"), [((), False), (("avx2",), False), (("amx_bf16",), True)])
def test_bfloat16_pays_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, instructions: tuple[str, ...], expected: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(instructions, True))
    assert runtime.is_fast(torch.device("cpu")) == expected
    if expected:
        runtime.require_fast(torch.device("cpu"))
    else:
        with pytest.raises(ModelError, match="this machine's cpu has no instructions: work without --fast"):
            runtime.require_fast(torch.device("cpu"))
    assert not runtime.is_fast(torch.device("mps"))


def test_its_name_holds_its_version() -> None:
    assert runtime_name(torch.device("cpu")).split() == ["openvino", openvino.__version__.partition("-")[0]]
    assert runtime_name(torch.device("cuda")) == f"torch {torch.__version__.partition('+')[0]}"


def test_it_tells_nobody() -> None:
    code = (
        "from dmin.backbones.runtime import Runtime; import sys, torch\n"
        "Runtime('small')(torch.nn.Linear(4, 3).requires_grad_(False), torch.rand(2, 4))\n"
        "from openvino.tools.ovc import convert_impl\n"
        "assert convert_impl.tm.__name__ == 'openvino.tools.ovc.telemetry_stub'\n"
        "assert not [name for name in sys.modules if name.startswith('openvino_telemetry.')]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_it_torch_does_the_work() -> None:
    code = (
        "import sys; sys.modules['openvino'] = None\n"
        "import torch, warnings; warnings.simplefilter('error')\n"
        "from dmin.backbones.runtime import Runtime, runtime_name\n"
        "assert runtime_name(torch.device('cpu')).startswith('torch ')\n"
        "network = torch.nn.Linear(4, 3).requires_grad_(False); some = torch.rand(2, 4)\n"
        "assert torch.equal(Runtime('small')(network, some), network(some))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
