from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmin.data.annotations import SPLITS
from dmin.errors import DataError
from dmin.lab.compose.banks import Item
from dmin.lab.compose.banks.bank import Shelf, shelves
from lab.compose.compose_bank import CATEGORIES, names_bank


def all_items(shelf: Shelf) -> list[Item]:
    return [item for groups in (shelf.pictures, shelf.sounds) for group in groups.values() for item in group]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    each=st.integers(3, 15),
    sources=st.integers(3, 15),
    shares=st.sampled_from(
        [(0.7, 0.15, 0.15), (0.98, 0.01, 0.01), (0.34, 0.33, 0.33), (0.8, 0.0, 0.2), (1.0, 0.0, 0.0)]
    ),
)
def test_every_item_in_one_split_and_every_source_too(
    seed: int, each: int, sources: int, shares: tuple[float, float, float]
) -> None:
    bank = names_bank(each=each, sources=sources)
    shelf = shelves(bank, shares, seed)
    everything = [item for c in (*CATEGORIES, "Background") for item in (*bank.pictures(c), *bank.sounds(c))]
    assert sorted(item.name for split in SPLITS for item in all_items(shelf[split])) == sorted(
        i.name for i in everything
    )
    homes = {(item.source, split) for split in SPLITS for item in all_items(shelf[split])}
    assert len(homes) == len({item.source for item in everything})
    for split, share in zip(SPLITS, shares, strict=True):
        for category in CATEGORIES:  # each has something to show and to sound, or the split is not wanted
            assert bool(shelf[split].pictures[category]) == bool(shelf[split].sounds[category]) == bool(share)
    assert shelves(bank, shares, seed) == shelf


def test_shares_are_met_as_nearly_as_whole_sources_allow() -> None:
    shelf = shelves(names_bank(each=20), (0.7, 0.15, 0.15), 0)
    assert [len(shelf[split].pictures["Ape"]) for split in SPLITS] == [14, 3, 3]
    shelf = shelves(names_bank(each=20, sources=5), (0.6, 0.2, 0.2), 0)  # four items a source
    assert [len(shelf[split].sounds["Bee"]) for split in SPLITS] == [12, 4, 4]


def test_another_seed_another_division_and_categories_do_not_depend_on_each_other() -> None:
    bank = names_bank(each=12)
    one, other = (shelves(bank, (0.7, 0.15, 0.15), seed) for seed in (0, 1))
    assert one["test"].pictures["Ape"] != other["test"].pictures["Ape"]
    without_cow = dataclasses.replace(
        bank,
        all_pictures={name: group for name, group in bank.all_pictures.items() if name != "Cow"},
        all_sounds={name: group for name, group in bank.all_sounds.items() if name != "Cow"},
    )
    fewer = shelves(without_cow, (0.7, 0.15, 0.15), 0)
    assert all(fewer[split].pictures["Ape"] == one[split].pictures["Ape"] for split in SPLITS)


def test_sources_that_are_all_taken_by_another_category() -> None:
    bank = names_bank(each=12)
    in_train = shelves(bank, (0.7, 0.15, 0.15), 0)["train"].sounds["Ape"][:3]
    sounds = dict(bank.all_sounds) | {"Bee": tuple(dataclasses.replace(item, category="Bee") for item in in_train)}
    with pytest.raises(
        DataError,
        match=r"category Bee: its 3 sources cannot serve every split \(nothing is left for val, as sources of it "
        r"serve elsewhere too\): add files from other sources",
    ):
        shelves(dataclasses.replace(bank, all_sounds=sounds), (0.7, 0.15, 0.15), 0)


def test_pictures_and_sounds_of_one_source_stay_together() -> None:
    bank = names_bank(each=9)
    # As if cut from the same videos, some of which gave no picture.
    sounds = {
        c: tuple(dataclasses.replace(i, source=f"{c}{n}") for n, i in enumerate(bank.sounds(c))) for c in CATEGORIES
    }
    pictures = {c: sounds[c][:6] for c in CATEGORIES}
    for seed in range(10):
        shelf = shelves(dataclasses.replace(bank, all_pictures=pictures, all_sounds=sounds), (0.6, 0.2, 0.2), seed)
        parts = [{item.source for item in all_items(shelf[split])} for split in SPLITS]
        assert len(set.union(*parts)) == sum(map(len, parts)) == 27
