"""Parts of some work."""

import pytest

from dmin.errors import DataError
from dmin.shard import Shard


@pytest.mark.parametrize("total", [1, 3, 9])
def test_parts_together_are_the_whole_and_differ_by_one_at_most(total):
    parts = [Shard.read(f"{number}/{total}").part(list(range(7))) for number in range(1, total + 1)]
    assert sorted(item for part in parts for item in part) == list(range(7))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("text", ["0/2", "3/2", "2", "-1/2", "a/b", "1/2/3"])
def test_what_is_no_part_is_refused(text):
    with pytest.raises(DataError, match=f"shard is '{text}': must be i/n with i from 1 to n"):
        Shard.read(text)
