from __future__ import annotations

import pickle

import numpy as np
import pytest

from dmin.data.annotations import BACKGROUND
from dmin.lab.compose.banks import Bank, open_bank
from dmin.lab.compose.banks.drawing import DRAWINGS, HEIGHT, WIDTH
from dmin.lab.compose.banks.scenes import CATEGORIES, ScenesBank
from dmin.lab.compose.banks.surfaces import clouds, colour, surface
from dmin.lab.compose.banks.synthesis import SYNTHESES
from dmin.lab.compose.sound import audible_seconds, filled, second_levels_db

BANK = ScenesBank()


def cut_out(thing: str, seed: int) -> np.ndarray:
    """A thing's outline [560, 560], drawn without ground."""
    from dmin.lab.compose.banks.pen import Pen

    pen = Pen()
    DRAWINGS[thing](pen, np.random.default_rng(seed))
    return np.asarray(pen.image.getchannel("A")) > 128


class TestItems:
    def test_counts_and_names(self) -> None:
        bank = open_bank("scenes")
        assert bank.categories == CATEGORIES == tuple(sorted(CATEGORIES))
        names = set()
        for kind in (bank.pictures, bank.sounds):
            for category in CATEGORIES:
                items = kind(category)
                assert len(items) == 80
                assert {item.category for item in items} == {category}
                assert all(item.source == item.name for item in items)
                names |= {item.name for item in items}
            assert len(kind(BACKGROUND)) == 160
            names |= {item.name for item in kind(BACKGROUND)}
        assert len(names) == 2 * (8 * 80 + 160)

    def test_negatives_are_of_no_category(self) -> None:
        things = {item.name.split("/")[1] for item in (*BANK.pictures(BACKGROUND), *BANK.sounds(BACKGROUND))}
        assert things == (set(DRAWINGS) | set(SYNTHESES)) - set(CATEGORIES)

    def test_travels_to_other_processes(self) -> None:
        bank: Bank = pickle.loads(pickle.dumps(BANK))
        item = BANK.pictures("Bell")[3]
        np.testing.assert_array_equal(bank.load_picture(item), BANK.load_picture(item))


class TestPictures:
    @pytest.mark.parametrize("category", [*CATEGORIES, BACKGROUND])
    def test_no_two_alike_and_each_always_the_same(self, category: str) -> None:
        items = BANK.pictures(category)[:6]
        pictures = [BANK.load_picture(item) for item in items]
        assert {(p.shape, p.dtype) for p in pictures} == {((HEIGHT, WIDTH, 3), np.dtype(np.uint8))}
        for place, picture in enumerate(pictures):
            for other in pictures[:place]:
                assert np.abs(picture.astype(int) - other).mean() > 5
        np.testing.assert_array_equal(ScenesBank().load_picture(items[0]), pictures[0])
        assert not np.array_equal(ScenesBank(seed=1).load_picture(items[0]), pictures[0])

    def test_categories_have_outlines_of_their_own(self) -> None:
        # Each drawing is nearest to the mean outline of its own category.
        means = {thing: np.mean([cut_out(thing, seed) for seed in range(6)], axis=0) for thing in CATEGORIES}
        for thing in CATEGORIES:
            for seed in range(100, 104):
                outline = cut_out(thing, seed)
                distance = {name: float(((mean - outline) ** 2).mean()) for name, mean in means.items()}
                assert min(distance, key=distance.__getitem__) == thing


class TestSounds:
    @pytest.mark.parametrize("category", [*CATEGORIES, BACKGROUND])
    def test_no_two_alike_and_each_always_the_same(self, category: str) -> None:
        items = BANK.sounds(category)[:7]
        sounds = [BANK.load_sound(item) for item in items]
        for sound in sounds:
            assert (sound.dtype, len(sound)) == (np.float32, 5 * 44_100)
            assert np.abs(sound).max() <= 1
            assert audible_seconds(sound) > 0.5
            assert second_levels_db(filled(sound, 4, np.random.default_rng(0))).min() > -35
        assert len({sound.tobytes() for sound in sounds}) == len(sounds)
        np.testing.assert_array_equal(ScenesBank().load_sound(items[0]), sounds[0])
        assert not np.array_equal(ScenesBank(seed=1).load_sound(items[0]), sounds[0])


class TestSurfaces:
    @pytest.mark.parametrize(("width", "height"), [(16, 16), (96, 72), (33, 21)])
    def test_shape_and_determinism(self, width: int, height: int) -> None:
        one, same, other = (surface(width, height, np.random.default_rng(seed)) for seed in (0, 0, 1))
        assert (one.shape, one.dtype) == ((height, width, 3), np.uint8)
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, other)
        assert np.abs(clouds(width, height, np.random.default_rng(0))).max() < 1

    def test_colour_wraps_around(self) -> None:
        assert colour(1.25, 0.5, 0.5) == colour(0.25, 0.5, 0.5)
        assert colour(0.0, 0.0, 1.0) == (255, 255, 255)
