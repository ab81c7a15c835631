from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cli.cli_fakes import Ear, Eye, make_model
from dmin.models import DCMR, DCMRConfig
from dmin.models.settings import MatcherSettings


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    make_model(folder / "bells")
    make_model(folder / "more" / "dogs")
    matcher = DCMR(DCMRConfig(visual_size=8, audio_size=6, width=8, direction="a2v"))
    matcher.save_pretrained(folder / "finder")
    MatcherSettings("cli-eye", "1", "cli-ear", "1", 2.0, 8000, window_seconds=10).save(folder / "finder")
    return folder


@pytest.fixture
def serve(models: Path, make_known: Callable[..., None], tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Serves the page until the test ends, and gives its address."""
    from dmin.web.page import serving
    from dmin.web.settings import ServeSettings

    make_known(Eye, Ear)
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(
            serving(ServeSettings(**{"models": models, "port": 0, "folder": tmp_path / "kept", **options}))
        )
