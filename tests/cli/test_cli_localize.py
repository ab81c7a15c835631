"""`dmin localize`: what it prints of a video without events, folders, and answers that are there already."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from cli_fakes import Ear, Eye, make_model, write_video

from dmin.cli.answers import names_of, videos_of
from dmin.cli.commands import run
from dmin.media.info import probe
from dmin.media.pictures import pictures_in
from dmin.results.events import Events
from dmin.results.formats.webvtt import to_webvtt


@pytest.fixture(autouse=True)
def fakes(make_known):
    make_known(Eye, Ear)


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    return make_model(tmp_path_factory.mktemp("localizing") / "model")


@pytest.fixture(scope="session")
def good(tmp_path_factory) -> Path:
    return write_video(tmp_path_factory.mktemp("good") / "good.mkv")


@pytest.fixture
def localize(model, tmp_path):
    """Runs the command without pictures into ``out`` in the test's own folder."""

    def localize(*words: str | Path) -> int:
        options = ["--model", model, "--out", tmp_path / "out", "--no-picture", "--quiet"]
        return run(["localize", *map(str, [*options, *words])])

    return localize


def test_without_an_event_the_nearest_second_is_told(localize, good, tmp_path, capsys):
    assert localize(good, "--threshold", "0.999") == 0
    rows = json.loads((tmp_path / "out" / "good.json").read_text())["seconds"]
    best = max(rows, key=lambda row: row["relevance"])
    words = f"{best['category']} {best['relevance']:.2f} at {best['start']:.0f} s"
    files = f"-> {tmp_path / 'out' / 'good'}.json, .csv\n"
    assert capsys.readouterr().out == f"{good}: no event; nearest: {words}, threshold 1.00 {files}"


def test_formats_are_written_beside_the_json_file(localize, good, tmp_path, capsys):
    assert localize(good, "--formats", "vtt,json,labelstudio,vtt") == 0
    assert f"-> {tmp_path / 'out' / 'good'}.json, .vtt, .labelstudio.json\n" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"good.json", "good.vtt", "good.labelstudio.json"}
    events = Events.from_json(tmp_path / "out" / "good.json")
    assert (tmp_path / "out" / "good.vtt").read_text() == to_webvtt(events)
    assert events.frames_per_second == probe(good).picture_rate
    assert localize(good, "--formats", "srt") == 0  # one that is not there yet
    assert "there already" not in capsys.readouterr().out
    assert localize(good, "--formats", "srt,vt") == 2
    assert capsys.readouterr().err.startswith("dmin: unknown format 'vt': did you mean 'vtt'?")


@pytest.mark.slow
def test_several_workers_answer_as_one_does_and_a_bad_video_costs_itself(tmp_path, capsys):
    for name in ("a", "b", "c"):
        write_video(tmp_path / "videos" / f"{name}.mkv", seconds=2)
    (tmp_path / "videos" / "bad.mp4").write_text("no video")
    told = []
    for workers in ("1", "2"):
        words = [
            "localize",
            str(tmp_path / "videos"),
            "--out",
            str(tmp_path / workers),
            "--workers",
            workers,
            "--quiet",
        ]
        assert run([*words, "--threshold", "0"]) == 1
        out, err = capsys.readouterr()
        told.append(sorted(out.replace(str(tmp_path / workers), "OUT").splitlines()))
        assert "bad.mp4 is not a video" in err
        assert err.endswith(f"dmin: 1 of 4 videos failed: {tmp_path / 'videos' / 'bad.mp4'}\n")
    assert told[0] == told[1]
    one, two = (Events.from_json(tmp_path / workers / "b.json") for workers in ("1", "2"))
    assert [s.relevance for s in one.seconds] == pytest.approx([s.relevance for s in two.seconds], abs=1e-4)
    assert (tmp_path / "2" / "c.png").is_file()
    words = ["localize", str(tmp_path / "videos" / "a.mkv"), str(tmp_path / "videos" / "b.mkv"), "--threshold", "0"]
    assert run([*words, "--out", str(tmp_path / "2"), "--workers", "2", "--quiet"]) == 0
    assert capsys.readouterr().out.count("(there already)") == 2


def test_parts_of_the_work_make_the_whole(localize, good, tmp_path, capsys):
    for name in ("a/sea.mkv", "b/sea.mkv", "b/dog.mkv"):
        (tmp_path / "trip" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(good, tmp_path / "trip" / name)
    found = []
    for shard in ("1/2", "2/2", "7/9"):
        assert localize(tmp_path / "trip", "--shard", shard) == 0
        found.append(capsys.readouterr().out.count(" -> "))
    assert found == [2, 1, 0]
    names = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.json"))
    assert names == ["a/sea.json", "b/sea.json", "dog.json"]
    assert localize(tmp_path / "trip", "--shard", "3/2") == 2
    assert "shard is '3/2': must be i/n" in capsys.readouterr().err


def test_an_event_that_was_too_short_is_told(localize, tmp_path, capsys):
    video = write_video(tmp_path / "long.mkv", seconds=3)
    assert localize(video) == 0
    rows = json.loads((tmp_path / "out" / "long.json").read_text())["seconds"]
    best = max(row["relevance"] for row in rows)  # of one second alone
    assert localize(video, "--threshold", repr(best), "--min-seconds", "2") == 0
    assert f" {best:.2f} at " in (out := capsys.readouterr().out)
    assert ", shorter than 2 s -> " in out


def test_an_answer_that_is_there_is_kept_and_told_again(localize, good, tmp_path, capsys, monkeypatch):
    assert localize(good) == 0
    first = capsys.readouterr().out
    answers = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr(Eye, "forward", lambda *_: pytest.fail("the video was looked at again"))
        assert localize(good) == 0
    assert capsys.readouterr().out == first.replace(" -> ", " (there already) -> ")
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == answers


@pytest.mark.parametrize(
    "change",
    [
        "--force",
        "--threshold=0.9",
        "--min-seconds=2",
        "--missing-audio=silence",
        "video",
        "model",
        "csv",
        "json",
        "cut",
    ],
)
def test_what_is_not_current_is_done_again(localize, model, good, tmp_path, capsys, change):
    video = Path(shutil.copy(good, tmp_path / "clip.mkv"))
    out = tmp_path / "out"
    assert localize(video) == 0
    words = [change] if change.startswith("--") else []
    if change == "video":
        write_video(video, seconds=3)
    elif change == "model":
        other = tmp_path / "other"
        shutil.copytree(model, other)
        settings = json.loads((other / "localizer.json").read_text())
        (other / "localizer.json").write_text(json.dumps({**settings, "threshold": 0.01}))
        words = ["--model", str(other)]
    elif change in ("csv", "json"):
        (out / f"clip.{change}").unlink()
    elif change == "cut":
        (out / "clip.json").write_text((out / "clip.json").read_text()[:-40])
    capsys.readouterr()
    assert localize(video, *words) == 0
    assert "there already" not in capsys.readouterr().out
    assert localize(video, *(word for word in words if word != "--force")) == 0
    assert "there already" in capsys.readouterr().out


def test_folders_are_searched_below_and_equal_names_get_folders(localize, good, tmp_path, capsys):
    for name in ("trip/sea.mkv", "trip/day/sea.mkv", "trip/day/dog.mkv", "trip/.hidden/cat.mkv", "trip/day/.cat.mkv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(good, tmp_path / name)
    (tmp_path / "trip" / "notes.txt").write_text("no video")
    assert localize(tmp_path / "trip") == 0
    out = tmp_path / "out"
    found = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.json"))
    assert found == ["day/sea.json", "dog.json", "trip/sea.json"]
    assert json.loads((out / "day" / "sea.json").read_text())["video"] == str(tmp_path / "trip" / "day" / "sea.mkv")
    capsys.readouterr()
    assert localize(tmp_path / "trip") == 0
    assert capsys.readouterr().out.count("(there already)") == 3


def test_a_folder_without_videos_says_so(localize, good, tmp_path, capsys):
    (tmp_path / "empty" / "below").mkdir(parents=True)
    assert localize(tmp_path / "empty", good) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(f"dmin: {tmp_path / 'empty'} has no video in it or below: known suffixes are .mp4, ")
    assert captured.out.startswith(f"{good}: 1 event")


def test_names_of_answers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = ["x/a/dog.mp4", "y/a/dog.mp4", "y/a/dog.mov", "y/cat.mp4", "y/Cat.mkv", "y/cow.mp4", "y/a/../cow.mp4"]
    names = [name.as_posix() for name in names_of([Path(file) for file in files]).values()]
    assert names == ["a/dog", "a/dog.mp4", "a/dog.mov", "y/cat.mp4", "y/Cat.mkv", "cow", "cow"]
    assert names_of([]) == {}


def test_a_folder_that_cannot_be_read_costs_no_other(localize, good, tmp_path, capsys, monkeypatch):
    for name in ("a", "locked", "z"):
        (tmp_path / "trip" / name).mkdir(parents=True)
        shutil.copy(good, tmp_path / "trip" / name / f"{name}.mkv")
    original = os.scandir

    def refuse(folder):
        if Path(folder).name == "locked":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return original(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert localize(tmp_path / "trip") == 1
    captured = capsys.readouterr()
    locked = tmp_path / "trip" / "locked"
    assert captured.err.startswith(f"dmin: cannot read the folder {locked}: Permission denied\n")
    assert captured.out.count("1 event ->") == 2


@pytest.mark.parametrize("files", [["A/dog.mp4", "a/dog.mp4"], ["a/Dog.mp4", "a/dog.mp4"]])
def test_names_that_differ_in_case_alone_are_told_apart(files):
    names = [str(name).casefold() for name in names_of([Path(file) for file in files]).values()]
    assert len(set(names)) == 2


def test_links_that_form_a_loop_and_two_spellings_give_each_video_once(good, tmp_path, monkeypatch):
    (tmp_path / "trip" / "day").mkdir(parents=True)
    shutil.copy(good, tmp_path / "trip" / "day" / "sea.mkv")
    (tmp_path / "trip" / "day" / "up").symlink_to(tmp_path / "trip")
    monkeypatch.chdir(tmp_path)
    sea = Path("trip", "day", "sea.mkv")
    assert videos_of(["trip", str(sea.absolute())]) == [sea]


def test_the_answer_of_another_video_of_the_same_name_is_kept(localize, good, tmp_path, capsys):
    other = Path(shutil.copy(good, tmp_path / "elsewhere.mkv"))
    (tmp_path / "other").mkdir()
    other = other.rename(tmp_path / "other" / good.name)
    assert localize(good) == 0
    answer = next(tmp_path.rglob(f"{good.stem}.json"))
    before = answer.read_bytes()
    assert localize(other) == 1
    sentence = f"dmin: {other}: {answer} is the answer of {good}: choose another --out, or --force to replace it\n"
    assert capsys.readouterr().err.endswith(sentence)
    assert answer.read_bytes() == before
    assert localize(other, "--force") == 0
    assert json.loads(answer.read_text())["video"] == str(other)
    other.rename(moved := other.with_name(f"moved{other.suffix}"))
    moved.rename(good)  # what is gone is not protected
    assert localize(good) == 0


@pytest.mark.parametrize(
    ("flag", "value"), [("--threshold", "3"), ("--threshold", "-1"), ("--min-seconds", "-1"), ("--min-seconds", "nan")]
)
def test_values_out_of_range_are_told_once_before_any_video(localize, good, capsys, flag, value):
    assert localize(good, good.with_name("gone.mkv"), f"{flag}={value}") == 2
    err = capsys.readouterr().err
    assert err.startswith(f"dmin: {flag} is {value!r}: must be a number ")
    assert err.count("\n") == 1


def test_a_video_is_probed_once_and_decoded_once(localize, good, monkeypatch):
    probes, pictures = [], []
    monkeypatch.setattr("dmin.media.recording.probe", lambda *of: probes.append(of) or probe(*of))
    monkeypatch.setattr("dmin.media.recording.pictures_in", lambda *of: pictures.append(of) or pictures_in(*of))
    assert localize(good, "--force") == 0
    assert (len(probes), len(pictures)) == (1, 1)


@pytest.mark.parametrize("command", ["localize", "extract"])
def test_fast_is_refused_before_any_work_where_it_is_not(command, model, good, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("dmin.backbones.runtime.is_fast", lambda device: False)
    own = ["--model", str(model)] if command == "localize" else ["--visual", "cli-eye", "--audio", "cli-ear"]
    out = tmp_path / "out"
    assert run([command, str(good), *own, "--out", str(out), "--fast", "--quiet"]) == 1
    assert "has no instructions: work without --fast" in capsys.readouterr().err
    assert not list(out.rglob("*.*"))
