from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.cli_fakes import make_model
from dmin.errors import DminError
from dmin.inference.loading import STARTER

pytest.importorskip("gradio", reason="the extra web is not installed")


@pytest.fixture
def shelf() -> Callable:
    from dmin.inference import Localizer
    from dmin.web.shelf import Shelf

    return lambda folder: Shelf(Localizer, folder, "cpu")


def test_errors_do_not_tell_visitors_where_models_are(shelf, tmp_path) -> None:
    make_model(tmp_path / "more" / "bells")
    (tmp_path / "more" / "bells" / "model.safetensors").unlink()
    with pytest.raises(DminError, match="^no model.safetensors in more/bells: give") as caught:
        shelf(tmp_path)["more/bells"]
    assert str(tmp_path) not in str(caught.value)


def test_a_run_called_starter_does_not_take_the_place_of_the_starter(shelf, tmp_path) -> None:
    make_model(tmp_path / "runs" / "starter")
    below, itself = shelf(tmp_path / "runs"), shelf(tmp_path / "runs" / "starter")
    for models in (below, itself):
        assert models.folders == {"starter": STARTER, "runs/starter": tmp_path / "runs" / "starter"}


def test_the_run_in_the_working_folder_has_a_name(shelf, tmp_path, monkeypatch) -> None:
    make_model(tmp_path / "bells")
    monkeypatch.chdir(tmp_path / "bells")
    assert list(shelf(Path()).folders) == ["starter", "bells"]
