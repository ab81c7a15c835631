from __future__ import annotations

from contextlib import contextmanager

import pytest

from dmin.cli.commands import run

pytest.importorskip("gradio", reason="the extra web is not installed")


def test_a_folder_without_models_is_refused(tmp_path, capsys):
    assert run(["serve", "--models", str(tmp_path)]) == 2
    assert f"{tmp_path} holds no model: give a folder of `dmin train`" in " ".join(capsys.readouterr().err.split())


def test_impossible_limits_are_refused(capsys):
    assert run(["serve", "--max-minutes", "0"]) == 2
    assert "max_minutes is 0: must be above 0" in capsys.readouterr().err


def test_the_page_is_announced_and_opened(monkeypatch, capsys):
    opened = []

    @contextmanager
    def serving(settings):
        assert settings.port == 0
        yield "http://127.0.0.1:1/"

    def stop(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("dmin.web.page.serving", serving)
    monkeypatch.setattr("time.sleep", stop)
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert run(["serve", "--open", "--port", "0"]) == 130
    out, err = capsys.readouterr()
    assert out == "http://127.0.0.1:1/\n"
    assert "stopped: uploads and answers are deleted" in err
    assert opened == ["http://127.0.0.1:1/"]
