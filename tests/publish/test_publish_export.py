from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from publish_runs import FEATURES, make_matching_run, make_run

from dmin.errors import MissingPackageError, ModelError
from dmin.features import FeatureStore
from dmin.inference import Localizer
from dmin.inference.windows import Average, windows
from dmin.models.settings import LocalizerSettings
from dmin.models.systems import systems
from dmin.publish import export, export_onnx
from dmin.tasks.decoding import event_scores
from dmin.training.presets import variants
from dmin.training.recipe import recipe_from
from tiny_stores import CATEGORIES

onnxruntime = pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
pytest.importorskip("onnxscript", reason="the extra onnx is not installed")

EXAMPLE = Path(__file__).parents[2] / "examples" / "onnx_inference.py"
LOOPS = {("cman", None), ("dmin", "cmca")}
"""Networks with a loop over seconds."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("export") / "run")


@pytest.fixture(scope="module")
def exported(run):
    return export_onnx(run, run / "onnx" / "model.onnx")


def session_of(path):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def test_the_file_answers_as_the_network_for_any_length(run, exported, tiny_backbones):
    assert exported.outputs == ("relevance", "categories", "attention")
    assert 0 < exported.difference <= 1e-4
    model, session = Localizer.from_pretrained(run, device="cpu").model, session_of(exported.path)
    for seconds in (1, 2, 7, 30):
        visual, audio = torch.randn(1, seconds, 2, 2, 8), torch.randn(1, seconds, 6)
        found = session.run(None, {"visual": visual.numpy(), "audio": audio.numpy()})
        with torch.no_grad():
            output = model(visual, audio, return_attention=True)
        scores = event_scores(output, len(CATEGORIES))
        expected = (scores.relevance, scores.categories, output.attention.spatial)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other.numpy(), atol=1e-5)


def test_the_file_says_what_it_needs(exported):
    session = session_of(exported.path)
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["categories"]) == list(CATEGORIES)
    assert (facts["visual"], facts["visual_version"], facts["audio"], facts["audio_version"]) == FEATURES[:4]
    assert [float(facts[name]) for name in ("frames_per_second", "rate_hz", "window_seconds", "threshold")] == [
        2.0, 100.0, 4.0, 0.5,
    ]  # fmt: skip
    assert facts["network"] == "DMIN"
    shapes = {value.name: value.shape for value in (*session.get_inputs(), *session.get_outputs())}
    assert shapes == {
        "visual": [1, "seconds", 2, 2, 8],
        "audio": [1, "seconds", 6],
        "relevance": [1, "seconds"],
        "categories": [1, "seconds", 3],
        "attention": [1, "seconds", 2, 2],
    }


def test_the_file_holds_no_paths_of_this_machine(exported):
    content = exported.path.read_bytes()
    assert b".py" not in content
    assert b"stack_trace" not in content


def test_a_script_runs_it_without_torch_or_dmin(run, exported, tiny_store, tiny_backbones):
    store = FeatureStore.open(tiny_store)
    words = [str(EXAMPLE), str(exported.path), str(store.path("clip01"))]
    code = (
        f"import runpy, sys; sys.argv = {words!r}; runpy.run_path(sys.argv[0], run_name='__main__'); "
        "print(*sorted({'torch', 'dmin', 'onnxruntime'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *lines, modules = done.stdout.splitlines()
    assert modules == "onnxruntime"
    localizer, clip, average = Localizer.from_pretrained(run, device="cpu"), store.read("clip01"), Average()
    for window in windows([(clip.visual, clip.audio)], localizer.settings.window_seconds):  # 6 s in windows of 4 s
        average.add(window.start, localizer._answer(window, None)[0])
    for second, (line, row) in enumerate(zip(lines, average.take(), strict=True)):
        category = CATEGORIES[int(row[1:4].argmax())]
        assert line == f"{second:5d} s  {row[0]:.3f}  {category}  {'event' if row[0] >= 0.5 else ''}".rstrip()


def test_a_file_that_answers_otherwise_is_not_left(run, tmp_path, monkeypatch):
    (tmp_path / "model.onnx").write_bytes(b"an earlier one")
    monkeypatch.setattr(export, "_converted", lambda *_: (b"this one", ("relevance", "categories")))
    for difference in (2e-4, float("nan")):
        monkeypatch.setattr(export, "_difference", lambda *_, found=difference: found)
        with pytest.raises(ModelError, match=r"ONNX Runtime differs from torch by .*, more than the 1e-04 allowed"):
            export_onnx(run, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_bytes() == b"an earlier one"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_check_sees_a_difference(run, exported):
    from dmin.models import DMIN

    scores = export._Scores(DMIN.from_pretrained(run))
    clip = export._clip(scores.model, (2, 2, 8), 5)
    content = exported.path.read_bytes()
    assert export._difference(scores, content, clip) < 1e-5
    with torch.no_grad():
        scores.model.relevance.bias += 1
    assert export._difference(scores, content, clip) > 0.1


def test_a_missing_package_is_named_at_once(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(MissingPackageError, match=r"onnxscript is not installed: run `pip install 'dmin\[onnx\]'`"):
        export_onnx(run, tmp_path / "model.onnx")


def test_a_model_of_matching_is_refused(tmp_path):
    with pytest.raises(ModelError, match="holds a DCMR, which does something else"):
        export_onnx(make_matching_run(tmp_path / "run"), tmp_path / "model.onnx")


def _small(name, kind, variant):
    """A small network of a system."""
    options = systems()[name].options(kind)
    laid_over = {} if variant is None else variants()[variant].options["model"]
    sizes = {"visual_size": 8, "audio_size": 6, "regions": 6, "category_names": CATEGORIES}
    from dmin.models.systems import merged

    torch.manual_seed(0)
    return systems()[name].network(recipe_from(merged(options, {"model": laid_over}, {"model": sizes})).model).eval()


ALL = [
    (system.name, kind, None) for system in systems().values() if system.task == "localization" for kind in system.kinds
] + [("dmin", "full", variant) for variant in variants()]
FEW = [("avel", "full", None), ("psp", "weak", None), ("cman", "full", None), ("cmran", "full", None)]


@pytest.mark.parametrize(
    ("name", "kind", "variant"),
    [pytest.param(*case, marks=() if case in FEW else pytest.mark.exhaustive) for case in ALL],
)
def test_every_network_is_exported_or_refused_in_a_sentence(name, kind, variant, tmp_path, capfd):
    _small(name, kind, variant).save_pretrained(tmp_path / "run")
    LocalizerSettings("released", "1", "released", "1", 1.0, 16000, 10, threshold=0.5).save(tmp_path / "run")
    if (name, variant) in LOOPS:
        with pytest.raises(
            ModelError, match="cannot be exported: torch.export does not follow its code for clips of any"
        ):
            export_onnx(tmp_path / "run", tmp_path / "model.onnx")
        assert not (tmp_path / "model.onnx").exists()
    else:
        assert export_onnx(tmp_path / "run", tmp_path / "model.onnx").difference <= 1e-4
        assert session_of(tmp_path / "model.onnx").get_inputs()[0].shape == [1, "seconds", 2, 3, 8]
    assert capfd.readouterr() == ("", "")
