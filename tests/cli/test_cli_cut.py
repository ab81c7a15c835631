"""`dmin cut`: clips of the events of answers, and answers or videos that are bad or elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_fakes import write_video

from dmin.cli.commands import run
from dmin.media import probe
from dmin.results.events import Event, Events, Second

EVENTS = (Event(0, 1, "Dog", 0.9), Event(2, 3, "Church bell", 0.4), Event(4, 5, "Dog", 0.5))
ROWS = tuple(Second(float(t), 0.5, "Dog", {"Dog": 0.9, "Church bell": 0.05, "Rain": 0.05}) for t in range(5))


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("film") / "film.mp4", seconds=5)


@pytest.fixture
def answer(tmp_path: Path, film: Path) -> Callable[..., Path]:
    """Writes an answer, and copies its video there unless it says where that is."""

    def write(name: str = "holiday", video: str | None = None, events: tuple[Event, ...] = EVENTS) -> Path:
        path = tmp_path / "events" / f"{name}.json"
        if video is None:
            video = str(tmp_path / "trips" / f"{name}.mp4")
            Path(video).parent.mkdir(exist_ok=True)
            shutil.copy(film, video)
        path.parent.mkdir(exist_ok=True)
        Events(video, 5.0, "starter", 0.5, ROWS, events).to_json(path)
        return path

    return write


def cut(*words: object) -> int:
    return run(["cut", *map(str, words), "--quiet"])


def test_folders_of_answers_are_taken(answer, tmp_path, capsys):
    answer("holiday")
    answer("beach")
    (tmp_path / "none").mkdir()
    assert cut(tmp_path / "events", tmp_path / "none", "--category", "Church bell", "--out", tmp_path / "clips") == 1
    assert names(tmp_path / "clips") == [f"{name}_002.0-003.0_Church-bell.mp4" for name in ("beach", "holiday")]
    assert f"{tmp_path / 'none'}: no answer is in it or below" in capsys.readouterr().err


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_event_is_a_clip(answer, tmp_path, capsys):
    assert cut(answer(), "--out", tmp_path / "clips") == 0
    clips = ["holiday_000.0-001.0_Dog.mp4", "holiday_002.0-003.0_Church-bell.mp4", "holiday_004.0-005.0_Dog.mp4"]
    assert names(tmp_path / "clips") == clips
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(f"3 clips of {tmp_path / 'trips' / 'holiday.mp4'} -> {tmp_path / 'clips'}")
    assert [line.strip() for line in lines[1:]] == clips
    for clip in clips:
        assert probe(tmp_path / "clips" / clip).duration_seconds == pytest.approx(1, abs=0.11)
    assert cut(answer(), "--out", tmp_path / "clips") == 0  # again, under the same names
    assert names(tmp_path / "clips") == clips


def test_events_are_chosen_by_category_and_score(answer, tmp_path, capsys):
    out = tmp_path / "clips"
    assert cut(answer(), "--out", out, "--category", "Church bell", "Rain") == 0
    assert names(out) == ["holiday_002.0-003.0_Church-bell.mp4"]
    assert cut(answer(), "--out", tmp_path / "sure", "--min-score", 0.5, "--category", "Dog") == 0
    assert names(tmp_path / "sure") == ["holiday_000.0-001.0_Dog.mp4", "holiday_004.0-005.0_Dog.mp4"]
    assert cut(answer(), "--out", tmp_path / "none", "--category", "Rain") == 0
    assert "holiday.json: no event to cut" in capsys.readouterr().out
    assert cut(answer(), "--out", tmp_path / "none", "--category", "Dogs") == 1
    assert "unknown category 'Dogs': did you mean 'Dog'? Known: Church bell, Dog, Rain" in capsys.readouterr().err


def test_margins_and_copies(answer, tmp_path):
    assert cut(answer(), "--out", tmp_path / "wide", "--margin", 0.5, "--category", "Church bell") == 0
    (clip,) = (tmp_path / "wide").iterdir()
    assert probe(clip).duration_seconds == pytest.approx(2, abs=0.11)
    assert cut(answer(), "--out", tmp_path / "copies", "--copy", "--category", "Church bell") == 0
    (clip,) = (tmp_path / "copies").iterdir()
    assert 1 <= probe(clip).duration_seconds < 2.3  # a key frame every twelve pictures


def test_videos_are_found_where_they_were_beside_the_answer_or_in_a_folder(answer, film, tmp_path, capsys, monkeypatch):
    path = answer("moved", video="C:\\trips\\moved.mp4")
    assert cut(path, "--out", tmp_path / "a") == 1
    message = f"{path}: its video is not at C:\\trips\\moved.mp4, "
    assert message in (err := capsys.readouterr().err)
    assert err.endswith("name its folder by --videos\n")
    shutil.copy(film, path.with_name("moved.mp4"))
    assert cut(path, "--out", tmp_path / "a") == 0
    path.with_name("moved.mp4").rename(tmp_path / "moved.mp4")
    assert cut(path, "--out", tmp_path / "b", "--videos", tmp_path) == 0
    nested = answer("nested", video="trips/moved.mp4")
    (tmp_path / "all" / "trips").mkdir(parents=True)
    (tmp_path / "moved.mp4").rename(tmp_path / "all" / "trips" / "moved.mp4")
    assert cut(nested, "--out", tmp_path / "c", "--videos", tmp_path / "all") == 0
    monkeypatch.chdir(tmp_path / "all")
    assert cut(nested, "--out", tmp_path / "d") == 0
    assert len(names(tmp_path / "d")) == 3
    assert cut(nested, "--videos", tmp_path / "gone") == 1
    assert f"{tmp_path / 'gone'} does not exist" in capsys.readouterr().err


def test_bad_answers_and_videos_cost_their_own_clips_alone(answer, tmp_path, capsys):
    good = answer()
    broken, other, silent = (tmp_path / f"{name}.json" for name in ("broken", "other", "silent"))
    broken.write_text("{")
    other.write_text(json.dumps({"video": "a.mp4", "events": 3}))
    gone = answer("gone", video=str(tmp_path / "gone.mp4"))
    (tmp_path / "text.mp4").write_text("no video at all")
    text = answer("text", video=str(tmp_path / "text.mp4"))
    late = answer("late", events=(Event(70, 80, "Dog", 0.9),))
    bad = [broken, other, gone, text, late, silent]
    assert cut(*bad[:3], good, *bad[3:], "--out", tmp_path / "clips") == 1
    assert len(names(tmp_path / "clips")) == 3
    err = capsys.readouterr().err
    for words in (
        f"{broken}: not JSON (line 1",
        f"{other}: seconds is missing",
        "its video is not at",
        "text.mp4 is not a video",
        "late.mp4 lasts 5.",
        f"cannot read {silent}: No such file",
        f"6 of 7 answers failed: {broken}, {other}",
    ):
        assert words in err
    assert "Traceback" not in err


def test_clips_of_videos_of_one_name_do_not_meet(answer, film, tmp_path):
    one, again = answer("holiday"), answer("renamed", video=str(tmp_path / "trips" / "holiday.mp4"))
    assert cut(one, again, one, "--out", tmp_path / "clips", "--category", "Church bell") == 0
    assert names(tmp_path / "clips") == ["holiday_002.0-003.0_Church-bell-2.mp4", "holiday_002.0-003.0_Church-bell.mp4"]


@pytest.mark.parametrize(("flag", "value"), [("--min-score", "2"), ("--margin", "-1"), ("--margin", "nan")])
def test_values_out_of_range_are_refused(flag, value, answer, tmp_path, capsys):
    assert cut(answer(), f"{flag}={value}", "--out", tmp_path / "clips") == 2
    assert f"{flag} is {value!r}: must be a number" in capsys.readouterr().err
    assert not (tmp_path / "clips").exists()


def test_help_says_what_a_copy_is(capsys):
    assert run(["cut", "--help"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "copy packets, from the key frame before the event on, instead of coding the clip anew" in words
