from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmin.data.annotations import BACKGROUND, SPLITS, Annotation, segment_labels
from dmin.errors import DataError
from dmin.lab.compose.deal import EVENT_SECONDS, draw_scripts, statistics
from dmin.lab.compose.script import CLIP_SECONDS, SITUATIONS, ClipScript, ComposeSettings, Take
from lab.compose.compose_bank import CATEGORIES, names_bank

BANK = names_bank()
seeds = st.integers(0, 2**40)
every_seed = settings(max_examples=25, deadline=None)


def by_second(takes: Iterable[Take]) -> list[str]:
    """Category of each second, counted out second by second."""
    seconds: list[str] = []
    for take in takes:
        assert take.start_seconds == len(seconds)  # no gap, no overlap
        assert take.end_seconds > take.start_seconds
        while len(seconds) < take.end_seconds:
            seconds.append(take.item.category if take.item else BACKGROUND)
    return seconds


def situation_of(seen: str, heard: str, category: str) -> set[str]:
    """Which situations may look like this, around an event of a category; literally as `SITUATIONS` words them."""
    names = set()
    if seen == category and heard == BACKGROUND:
        names |= {"silent", "other sound"}  # silence, or a sound of no category
    elif seen == BACKGROUND and heard == category:
        names.add("off screen")
    elif seen == category and heard != category:
        names.add("other sound")
    elif heard == category and seen != category:
        names.add("swapped")
    elif (seen, heard) == (BACKGROUND, BACKGROUND):
        names.add("empty")
    return names


class TestTruth:
    @every_seed
    @given(seed=seeds, negatives=st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    def test_is_what_is_both_seen_and_heard(self, seed: int, negatives: float) -> None:
        for script in draw_scripts(BANK, 30, seed, ComposeSettings(negatives=negatives)):
            seen, heard = by_second(script.pictures), by_second(script.sounds)
            assert len(seen) == len(heard) == CLIP_SECONDS
            both = [second for second in range(CLIP_SECONDS) if seen[second] == heard[second] != BACKGROUND]
            line = script.annotation()
            if not both:
                assert line == Annotation(BACKGROUND, script.video_id, "good", 0, 0)
                continue
            assert both == list(range(both[0], both[-1] + 1))  # one event, in one piece
            assert len(both) in EVENT_SECONDS
            assert line == Annotation(seen[both[0]], script.video_id, "good", both[0], both[-1] + 1)
            assert {seen[second] for second in both} == {line.category}
            labels = segment_labels([line], CATEGORIES, CLIP_SECONDS)
            assert [CATEGORIES[c] if c < len(CATEGORIES) else BACKGROUND for c in labels] == list(script.seconds())

    @every_seed
    @given(seed=seeds)
    def test_one_picture_and_one_sound_throughout_an_event(self, seed: int) -> None:
        for script in draw_scripts(BANK, 20, seed, ComposeSettings(negatives=0.0)):
            event = script.annotation()
            for takes in (script.pictures, script.sounds):
                overlapping = [
                    t for t in takes if t.start_seconds < event.end_seconds and t.end_seconds > event.start_seconds
                ]
                assert len(overlapping) == 1

    @every_seed
    @given(seed=seeds)
    def test_around_an_event_is_what_the_situations_say(self, seed: int) -> None:
        for script in draw_scripts(BANK, 30, seed, ComposeSettings()):
            event = script.annotation()
            if event.category == BACKGROUND:
                assert 1 <= len(script.situations) <= 2
                continue
            seen, heard = by_second(script.pictures), by_second(script.sounds)
            pieces = [range(int(event.start_seconds)), range(int(event.end_seconds), CLIP_SECONDS)]
            for name, piece in zip(script.situations, [p for p in pieces if len(p)], strict=True):
                for second in piece:
                    assert name in situation_of(seen[second], heard[second], event.category)
                if name == "silent":  # digital silence, not a sound of no category
                    assert all(t.item is None for t in script.sounds if t.start_seconds <= piece[0] < t.end_seconds)

    def test_every_situation_occurs_around_events_and_without_them(self) -> None:
        scripts = draw_scripts(BANK, 200, 0, ComposeSettings(negatives=0.5))
        for without_event in (True, False):
            occurring = {
                name
                for script in scripts
                for name in script.situations
                if (script.annotation().category == BACKGROUND) == without_event
            }
            assert occurring == set(SITUATIONS)
        clips = [(by_second(script.pictures), by_second(script.sounds)) for script in scripts]
        pairs = {
            (s in CATEGORIES, h in CATEGORIES, s == h)
            for seen, heard in clips
            for s, h in zip(seen, heard, strict=True)
        }
        assert (True, True, False) in pairs  # one category's sound over another's picture


class TestDeterminism:
    @every_seed
    @given(seed=seeds, fewer=st.integers(5, 40))
    def test_a_clip_does_not_depend_on_how_many_there_are(self, seed: int, fewer: int) -> None:
        recipe = ComposeSettings(degrade=0.3)
        more = draw_scripts(BANK, 40, seed, recipe)
        assert draw_scripts(BANK, fewer, seed, recipe) == more[:fewer]

    def test_another_seed_other_clips_of_the_same_division(self) -> None:
        one, other = (draw_scripts(BANK, 40, seed, ComposeSettings()) for seed in (0, 1))
        assert [s.split for s in one] == [s.split for s in other]
        assert sum(a.pictures == b.pictures and a.sounds == b.sounds for a, b in zip(one, other, strict=True)) < 10
        for split in SPLITS:
            assert not used(one, split) & used(other, *set(SPLITS) - {split})

    def test_each_purpose_has_its_own_random_numbers(self) -> None:
        one, other = draw_scripts(BANK, 5, 0, ComposeSettings())[:2]
        draws = {script.generator(purpose).random() for script in (one, other) for purpose in (1, 2, 3)}
        assert len(draws) == 6
        assert one.generator(1).random() in draws


def used(scripts: Iterable[ClipScript], *splits: str) -> set[str]:
    takes = [t for s in scripts if s.split in splits for t in (*s.pictures, *s.sounds)]
    return {take.item.source for take in takes if take.item}


class TestSplits:
    @every_seed
    @given(seed=seeds, split_seed=seeds, sources=st.sampled_from([None, 3, 5]))
    def test_share_no_source(self, seed: int, split_seed: int, sources: int | None) -> None:
        bank = names_bank(each=9, sources=sources)
        scripts = draw_scripts(bank, 40, seed, ComposeSettings(split_seed=split_seed))
        parts = [used(scripts, split) for split in SPLITS]
        assert all(parts)
        assert len(set.union(*parts)) == sum(map(len, parts))

    def test_have_the_shares_of_the_settings(self) -> None:
        scripts = draw_scripts(BANK, 200, 0, ComposeSettings())
        counts = [sum(script.split == split for script in scripts) for split in SPLITS]
        assert counts == [pytest.approx(140, abs=2), pytest.approx(30, abs=2), pytest.approx(30, abs=2)]

    def test_a_split_of_no_share_stays_empty(self) -> None:
        scripts = draw_scripts(BANK, 20, 0, ComposeSettings(split_shares=(0.8, 0.0, 0.2)))
        assert {script.split for script in scripts} == {"train", "test"}
        assert {script.split for script in draw_scripts(BANK, 3, 0, ComposeSettings(split_shares=(1, 0, 0)))} == {
            "train"
        }

    def test_too_few_clips(self) -> None:
        with pytest.raises(DataError, match="clips must be at least 5, so that every split gets one, got 4"):
            draw_scripts(BANK, 4, 0, ComposeSettings())
        assert {script.split for script in draw_scripts(BANK, 5, 0, ComposeSettings())} == set(SPLITS)


class TestDealtEvenly:
    @every_seed
    @given(seed=seeds)
    def test_shares(self, seed: int) -> None:
        counts = statistics(draw_scripts(BANK, 120, seed, ComposeSettings()))
        assert counts["all"]["clips"] == 120
        assert 10 <= counts["all"]["clips_without_event"] <= 14
        assert 0.58 < counts["all"]["event_share"] < 0.7
        assert all(0.5 < counts[split]["event_share"] < 0.8 for split in SPLITS)
        for split in SPLITS:  # no category gets more than one clip more than another
            by_category = counts[split]["clips_by_category"].values()
            assert max(by_category) - min(by_category) <= 1

    def test_statistics_count_what_is_there(self) -> None:
        scripts = draw_scripts(BANK, 60, 3, ComposeSettings())
        counts = statistics(iter(scripts))
        for split in SPLITS:
            chosen = [script for script in scripts if script.split == split]
            events = sum(second != BACKGROUND for script in chosen for second in script.seconds())
            assert counts[split]["clips"] == len(chosen)
            assert counts[split]["event_share"] == pytest.approx(events / len(chosen) / 10, abs=1e-4)
        for name in SITUATIONS:
            assert counts["all"]["situations"][name] == sum(script.situations.count(name) for script in scripts)
        assert sum(counts["all"]["clips_by_category"].values()) + counts["all"]["clips_without_event"] == 60

    def test_degraded_clips(self) -> None:
        scripts = draw_scripts(BANK, 100, 0, ComposeSettings(degrade=0.5))
        train = [script.degraded for script in scripts if script.split == "train"]
        assert sum(train) == pytest.approx(len(train) / 2, abs=1)
        assert not any(script.degraded for script in scripts if script.split != "train")
        both = draw_scripts(BANK, 100, 0, ComposeSettings(degrade=1.0, degraded_splits=("train", "test")))
        assert {(script.split, script.degraded) for script in both} == {
            ("train", True),
            ("val", False),
            ("test", True),
        }

    def test_without_negatives_in_the_bank_there_is_nothing_instead(self) -> None:
        bank = names_bank(negatives=0)
        scripts = draw_scripts(bank, 60, 0, ComposeSettings())
        items = {take.item for script in scripts for take in (*script.pictures, *script.sounds)}
        assert None in items
        assert BACKGROUND not in {item.category for item in items if item}


class TestSettings:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"negatives": -0.1}, "negatives must be from 0 to 1, got -0.1"),
            ({"degrade": 2.0}, "degrade must be from 0 to 1, got 2.0"),
            ({"split_shares": (0.5, 0.2, 0.2)}, "three shares of train, val, test that sum to 1, train's above 0, got"),
            ({"split_shares": (0.0, 0.5, 0.5)}, "got (0.0, 0.5, 0.5)"),
            ({"split_shares": (1.2, -0.2, 0.0)}, "got (1.2, -0.2, 0.0)"),
            ({"split_shares": (0.5, 0.5)}, "got (0.5, 0.5)"),
            ({"width": 33}, "width must be even and at least 32 pixels, got 33"),
            ({"height": 30}, "height must be even and at least 32 pixels, got 30"),
            ({"frames_per_second": 0}, "frames_per_second must be from 1 to 60, got 0"),
            ({"degraded_splits": ("train", "trial")}, "degraded_splits may name train, val, test, got trial"),
        ],
    )
    def test_says_what_is_allowed(self, change: dict[str, object], message: str) -> None:
        with pytest.raises(DataError, match=re.escape(message)):
            ComposeSettings(**change)
