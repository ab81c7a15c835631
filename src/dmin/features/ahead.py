"""Work done ahead of its turn: a thread decodes the next seconds while the networks compute."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterable[Item], most: int) -> Generator[Item]:
    """Yield items in order, while a thread fetches the next ones.

    When the caller stops early and closes the generator, the thread ends with the item that it is at.

    Args:
        items: Only the thread goes through them.
        most: Items that are fetched ahead, at least 1; no more are held.

    Raises:
        Exception: What fetching an item raises, as it is, in that item's turn.

    Example:
        >>> list(ahead(range(3), 2))
        [0, 1, 2]
    """
    source = iter(items)
    with ThreadPoolExecutor(1, "ahead") as thread:
        pending = deque(thread.submit(_next, source) for _ in range(most))
        try:
            while item := pending.popleft().result():
                pending.append(thread.submit(_next, source))
                yield item[0]
        finally:
            thread.shutdown(cancel_futures=True)
            if isinstance(source, Generator):
                source.close()  # here and now, so that files are closed


def _next(source: Iterator[Item]) -> tuple[()] | tuple[Item]:
    """The next item, or nothing at the end, as `StopIteration` cannot be told through a future."""
    return next(((item,) for item in source), ())
