from __future__ import annotations

import errno
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from features_fakes import DeadlyEye, TinyEar, TinyEye, make_video

from dmin import backbones
from dmin.errors import DataError, DminError, MediaError, ModelError
from dmin.features import FeatureStore, StoreWriteError, extract, features_of, stream, stream_features
from dmin.media import Recording
from dmin.shard import Shard

RED, GREEN, BLACK, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 0), (255, 255, 255)
FAKES = {"visual": TinyEye(), "audio": TinyEar()}


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """A folder of three good videos."""
    for name, colour in {"a": RED, "b": WHITE, "c": BLACK}.items():
        make_video(tmp_path / "videos" / f"{name}.mp4", [colour, colour])
    return tmp_path / "videos"


class TestStream:
    def test_each_second_is_its_own(self, tmp_path: Path) -> None:
        path = make_video(tmp_path / "a.mp4", [BLACK, WHITE, RED, BLACK])
        features = features_of(path, TinyEye(), TinyEar())
        assert (features.visual.dtype, features.audio.dtype) == (torch.float16, torch.float32)
        assert tuple(features.visual.shape) == (4, 2, 2, 4)
        expected = torch.tensor([BLACK, WHITE, RED, BLACK]) / 255
        torch.testing.assert_close(features.visual[:, 0, 0, :3].float(), expected, atol=0.1, rtol=0)
        # The sound's edges blur into their neighbours by the codec's frames.
        assert features.audio[1, 0] > 0.3
        assert features.audio[3, 0] < 0.1
        assert features.duration_seconds == pytest.approx(4, abs=0.2)

    @pytest.mark.parametrize("chunk_seconds", [1, 2, 3, 7, 20, 100])
    def test_chunks_add_up_to_the_whole(self, tmp_path: Path, chunk_seconds: int) -> None:
        path = make_video(tmp_path / "a.mp4", [BLACK, WHITE, RED] * 7)
        whole = features_of(path, TinyEye(), TinyEar())
        eye = TinyEye()
        chunks = list(stream_features(path, eye, TinyEar(), chunk_seconds=chunk_seconds))
        assert [len(chunk) for chunk in chunks[:-1]] == [chunk_seconds] * (len(chunks) - 1)
        assert 0 < len(chunks[-1]) <= chunk_seconds
        torch.testing.assert_close(torch.cat([chunk.visual for chunk in chunks]), whole.visual)
        torch.testing.assert_close(torch.cat([chunk.audio for chunk in chunks]), whole.audio)
        assert sum(chunk.duration_seconds for chunk in chunks) == pytest.approx(whole.duration_seconds)
        assert eye.largest_batch <= 16

    def test_frames_of_several_seconds_go_through_together(self, tmp_path: Path) -> None:
        eye = TinyEye()
        features_of(make_video(tmp_path / "a.mp4", [BLACK] * 20), eye, TinyEar())
        assert eye.largest_batch == 8

    @pytest.mark.parametrize("keeps_footage", [False, True])
    def test_decoding_ahead_changes_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keeps_footage: bool
    ) -> None:
        path = make_video(tmp_path / "a.mp4", [BLACK, WHITE, RED] * 5)
        there, here = (Recording(path, keeps_footage=keeps_footage) for _ in range(2))
        ahead = features_of(there, TinyEye(), TinyEar())
        monkeypatch.setattr(stream, "ahead", lambda items, most: (item for item in items))
        in_turn = features_of(here, TinyEye(), TinyEar())
        torch.testing.assert_close(ahead.visual, in_turn.visual, rtol=0, atol=0)
        torch.testing.assert_close(ahead.audio, in_turn.audio, rtol=0, atol=0)
        assert (there.footage is not None) == keeps_footage
        if there.footage is not None and here.footage is not None:
            assert [frame.tobytes() for frame in there.footage.frames] == [f.tobytes() for f in here.footage.frames]

    def test_errors_of_decoding_keep_their_type(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = make_video(tmp_path / "a.mp4", [BLACK, WHITE])
        here = threading.get_ident()

        def broken(self: Recording, near_seconds: float = 0.0) -> None:
            assert threading.get_ident() != here
            raise MediaError("a.mp4 is damaged")

        monkeypatch.setattr(Recording, "pictures", broken)
        with pytest.raises(MediaError, match=r"^a\.mp4 is damaged$"):
            features_of(path, TinyEye(), TinyEar())

    def test_a_caller_who_stops_early_ends_the_decoding(self, tmp_path: Path) -> None:
        path = make_video(tmp_path / "a.mp4", [BLACK] * 40)
        before = threading.active_count()
        chunks = stream_features(path, TinyEye(), TinyEar(), chunk_seconds=1)
        next(chunks)
        assert threading.active_count() == before + 1
        chunks.close()
        assert threading.active_count() == before

    def test_no_sound(self, tmp_path: Path) -> None:
        path = make_video(tmp_path / "a.mp4", [WHITE, WHITE], sound=False)
        with pytest.raises(MediaError):
            features_of(path, TinyEye(), TinyEar())
        features = features_of(path, TinyEye(), TinyEar(), missing_audio="silence")
        assert features.audio.abs().max() == 0


class TestExtract:
    def test_a_folder_of_videos(self, videos: Path, tmp_path: Path) -> None:
        ticks: list[tuple[str, int, int | None]] = []
        report = extract(videos, tmp_path / "store", **FAKES, progress=lambda *tick: ticks.append(tick))
        assert (report.done, report.reused, report.failed) == (("a", "b", "c"), (), ())
        assert ticks == [("extract", i, 3) for i in range(4)]
        store = FeatureStore.open(tmp_path / "store")
        assert store.settings.visual == "tiny-eye"
        assert (store.settings.frames_per_second, store.settings.rate_hz) == (2.0, 8000)
        assert store.settings.runtime == ""  # networks of one's own run as they like
        ours = store.read("a")
        alone = features_of(videos / "a.mp4", TinyEye(), TinyEar())
        torch.testing.assert_close(ours.visual, alone.visual)
        assert ours.duration_seconds == alone.duration_seconds

    def test_fast_features_do_not_mix_with_exact_ones(
        self, videos: Path, tmp_path: Path, make_known: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Telling(TinyEye):
            """Maps of 1 if it computes in bfloat16, else of 0."""

            card = replace(TinyEye.card, name="telling-eye")

            def forward(self, frames: torch.Tensor) -> torch.Tensor:
                assert self.runtime is not None
                return torch.full((len(frames), 2, 2, 4), float(self.runtime.fast))

        make_known(Telling, TinyEar)
        names = {"visual": "telling-eye", "audio": "tiny-ear"}
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False)
        for fast in (False, True):
            folder = tmp_path / f"fast-{fast}"
            extract(videos, folder, **names, fast=fast, device="cpu")
            store = FeatureStore.open(folder)
            assert store.settings.fast == fast
            assert store.settings.runtime == backbones.runtime_name(torch.device("cpu"))
            assert store.read("a").visual.unique().tolist() == [float(fast)]
            with pytest.raises(DataError, match="features of different settings do not mix"):
                extract(videos, folder, **names, fast=not fast, device="cpu")
        assert str(store.settings).endswith(" at 8000 Hz, in bfloat16 (fast)")
        assert replace(store.settings, runtime="another 1.0") == store.settings  # exact ones mix
        monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
        with pytest.raises(ModelError, match="work without --fast"):
            extract(videos, tmp_path / "slow", **names, fast=True, device="cpu")
        assert not (tmp_path / "slow").exists()

    def test_resumes_what_is_missing_damaged_or_of_another_video(self, videos: Path, tmp_path: Path) -> None:
        extract(videos, tmp_path / "store", **FAKES)
        assert extract(videos, tmp_path / "store", **FAKES).reused == ("a", "b", "c")
        store = FeatureStore.open(tmp_path / "store")
        store.path("a").write_bytes(store.path("a").read_bytes()[:-1])
        make_video(videos / "b.mp4", [GREEN])
        make_video(videos / "d.mp4", [GREEN])
        ticks: list[int] = []
        report = extract(videos, store.folder, **FAKES, progress=lambda _, done, total: ticks.append(done))
        assert (report.done, report.reused) == (("a", "b", "d"), ("c",))
        assert ticks == [1, 2, 3, 4]
        assert len(store.read("b")) == 1

    def test_a_bad_file_never_stops_the_batch(self, videos: Path, tmp_path: Path) -> None:
        (videos / "0 empty.mp4").touch()
        (videos / "b.mp4").write_text("not a video at all\n" * 100)
        silent = make_video(videos / "silent.mp4", [WHITE], sound=False)
        report = extract([*videos.iterdir(), "gone.mp4"], tmp_path / "store", **FAKES)
        assert report.done == ("a", "c")
        assert [Path(failure.video).name for failure in report.failed] == [
            "0 empty.mp4", "b.mp4", silent.name, "gone.mp4",
        ]  # fmt: skip
        assert all(failure.reason for failure in report.failed)
        with pytest.raises(DataError, match=r"4 of 6 videos have no features:\n.*0 empty\.mp4: "):
            report.require_all()
        assert extract([silent], tmp_path / "store", **FAKES, missing_audio="silence").done == ("silent",)

    def test_what_nobody_has_foreseen_is_a_failure_too(self, videos: Path, tmp_path: Path) -> None:
        class Confused(TinyEye):
            def forward(self, frames: torch.Tensor) -> torch.Tensor:
                raise RuntimeError("what?")

        report = extract(videos / "a.mp4", tmp_path / "store", visual=Confused(), audio=TinyEar())
        assert report.failed[0].reason == "RuntimeError: what?"

    def test_a_data_set_folder_brings_its_annotations(self, videos: Path, tmp_path: Path) -> None:
        (tmp_path / "Annotations.txt").write_text("Dog&a&good&0&1\n")
        (tmp_path / "splits").mkdir()
        (tmp_path / "splits" / "train.txt").write_text("a\n")
        store = tmp_path / "out" / "store"
        extract(tmp_path, store, **FAKES)
        assert (store / "Annotations.txt").read_text() == "Dog&a&good&0&1\n"
        assert [file.name for file in (store / "splits").iterdir()] == ["train.txt"]
        (tmp_path / "Annotations.txt").write_text("Dog&a&good&0&2\n")
        with pytest.warns(UserWarning, match=r"Annotations\.txt differed from .*Annotations\.txt and was replaced"):
            extract(tmp_path, store, **FAKES)
        assert (store / "Annotations.txt").read_text() == "Dog&a&good&0&2\n"

    def test_shards_make_the_whole(self, videos: Path, tmp_path: Path) -> None:
        parts = [extract(videos, tmp_path / "store", **FAKES, shard=Shard(i, 2)).done for i in (1, 2)]
        assert parts == [("a", "c"), ("b",)]
        assert extract(videos, tmp_path / "few", **FAKES, shard=Shard(7, 9)).done == ()

    @pytest.mark.parametrize(
        ("videos_to_do", "cores", "workers"),
        [(0, 2, 1), (15, 2, 1), (16, 2, 2), (700, 2, 2), (700, 64, 16), (40, 64, 5)],
    )
    def test_processes_must_pay(
        self, monkeypatch: pytest.MonkeyPatch, videos_to_do: int, cores: int, workers: int
    ) -> None:
        module = sys.modules["dmin.features.extract"]  # its name is also the function's
        monkeypatch.setattr(module, "cores", lambda: cores)
        assert module._suggested(videos_to_do) == workers

    def test_no_workers(self, videos: Path, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="workers is 0: must be at least 1"):
            extract(videos, tmp_path / "store", **FAKES, workers=0)

    @pytest.mark.parametrize("names", [{"visual": "lite"}, {"visual": "sfx"}, {"audio": "lite0"}])
    def test_unknown_backbones(self, videos: Path, tmp_path: Path, names: dict) -> None:
        with pytest.raises(ModelError, match=r"unknown (visual|audio) backbone"):
            extract(videos, tmp_path / "store", **(FAKES | names))
        assert not (tmp_path / "store").exists()

    @pytest.mark.parametrize("workers", [1, 2])
    def test_weights_are_fetched_once_before_the_work_is_divided(
        self, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
    ) -> None:
        asked = []

        def offline(name, progress, version):
            asked.append(name)
            raise ModelError("no network")

        monkeypatch.setattr(backbones, "fetch", offline)
        with pytest.raises(ModelError, match="no network"):
            extract(videos, tmp_path / "store", visual="vgg19", audio=TinyEar(), workers=workers)
        assert asked == ["vgg19"]
        extract(videos, tmp_path / "fakes", **FAKES)  # loaded already
        assert asked == ["vgg19"]

    def test_other_settings_are_refused(self, videos: Path, tmp_path: Path) -> None:
        extract(videos, tmp_path / "store", **FAKES)
        with pytest.raises(DataError, match=r"was made with tiny-eye 1 .* now asked for lite0"):
            extract(videos, tmp_path / "store", audio=TinyEar())

    def test_pooled(self, videos: Path, tmp_path: Path) -> None:
        for name, pooled in {"maps": False, "means": True}.items():
            extract(videos, tmp_path / name, **FAKES, pooled=pooled).require_all()
        maps, means = (FeatureStore.open(tmp_path / name).read("a") for name in ("maps", "means"))
        assert means.visual.shape == (2, 1, 1, 4)
        torch.testing.assert_close(means.visual, maps.pooled().visual, rtol=0, atol=0)
        with pytest.raises(
            DataError, match=r"averaged over regions \(pooled\): features of different settings do not mix"
        ):
            extract(videos, tmp_path / "maps", **FAKES, pooled=True)

    def test_folders_become_part_of_ids(self, videos: Path, tmp_path: Path) -> None:
        make_video(videos / "day" / "one" / "a.mp4", [GREEN])
        assert extract(videos, tmp_path / "store", **FAKES).done == ("a", "b", "c", "day/one/a")
        assert len(FeatureStore.open(tmp_path / "store").read("day/one/a")) == 1
        assert extract(videos, tmp_path / "store", **FAKES).reused == ("a", "b", "c", "day/one/a")

    def test_videos_that_are_done_are_not_read_again(
        self, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        extract(videos, tmp_path / "store", **FAKES)
        opened = []
        monkeypatch.setattr("dmin.features.fingerprint.fingerprint", lambda path: opened.append(path.name))
        monkeypatch.setattr("dmin.features.store.safe_open", lambda path, framework: opened.append(path.name))
        assert extract(videos, tmp_path / "store", **FAKES).reused == ("a", "b", "c")
        assert opened == []

    def test_a_full_disk_stops_with_one_sentence(
        self, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        extract(videos / "a.mp4", tmp_path / "store", **FAKES)

        def full(path: Path, target: Path) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Path, "replace", full)
        message = "No space left on device; stopped with 1 of 3 videos in the store, which stay good: make room"
        with pytest.raises(StoreWriteError, match=message):
            extract(videos, tmp_path / "store", **FAKES)
        assert FeatureStore.open(tmp_path / "store").ids() == ("a",)
        assert not list((tmp_path / "store").rglob("*.tmp"))

    def test_a_key_press_leaves_a_good_store(self, videos: Path, tmp_path: Path) -> None:
        def press(step: str, completed: int, total: int | None) -> None:
            if completed == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            extract(videos, tmp_path / "store", **FAKES, progress=press)
        store = FeatureStore.open(tmp_path / "store")
        assert [len(store.read(video_id)) for video_id in store.ids()] == [2, 2]
        assert extract(videos, tmp_path / "store", **FAKES).done == ("c",)

    @pytest.mark.slow
    def test_a_killed_worker_takes_only_its_video_along(self, videos: Path, tmp_path: Path) -> None:
        make_video(videos / "b.mp4", [GREEN])
        report = extract(videos, tmp_path / "store", visual=DeadlyEye(), audio=TinyEar(), workers=2)
        assert report.done == ("a", "c")
        assert [Path(failure.video).name for failure in report.failed] == ["b.mp4"]
        assert "the worker process was killed" in report.failed[0].reason
        alone = features_of(videos / "a.mp4", TinyEye(), TinyEar())
        torch.testing.assert_close(FeatureStore.open(tmp_path / "store").read("a").visual, alone.visual)

    def test_warnings_reach_the_caller(self, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        class Warns(TinyEar):
            def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
                import warnings

                warnings.warn("half of it is missing", stacklevel=2)
                return super().forward(waveforms)

        with pytest.warns(UserWarning, match="half of it is missing"):
            extract(videos / "a.mp4", tmp_path / "store", visual=TinyEye(), audio=Warns())

    @pytest.mark.slow
    def test_the_embedded_pair(self, tmp_path: Path) -> None:
        path = make_video(tmp_path / "a.mp4", [WHITE, BLACK], size=64)
        extract(path, tmp_path / "store").require_all()
        features = FeatureStore.open(tmp_path / "store").read("a")
        assert tuple(features.visual.shape) == (2, 7, 7, 1280)
        assert tuple(features.audio.shape) == (2, 512)


def test_a_misspelt_choice_for_missing_sound_is_refused(tmp_path):
    with pytest.raises(DminError, match="missing_audio is 'silent': must be 'error' or 'silence'"):
        features_of(tmp_path / "a.mp4", TinyEye(), TinyEar(), missing_audio="silent")
