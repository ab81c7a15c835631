"""Items that a thread fetches ahead: all of them in order, no more than asked for, and nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest

from dmin.errors import MediaError
from dmin.features.ahead import ahead


def fetching() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 10])
@pytest.mark.parametrize("most", [1, 2, 5])
def test_all_items_come_in_order(count: int, most: int) -> None:
    assert list(ahead(range(count), most)) == list(range(count))
    assert not fetching()


def test_items_that_count_as_false_are_items() -> None:
    assert list(ahead([0, None, "", []], 2)) == [0, None, "", []]


def test_another_thread_fetches_while_the_caller_works() -> None:
    fetched = [threading.Event() for _ in range(3)]
    threads = set()

    def items() -> Iterator[int]:
        for index, event in enumerate(fetched):
            threads.add(threading.current_thread())
            sleep(0.05)  # long enough for a second thread to meddle, were there one
            event.set()
            yield index

    for index in ahead(items(), 2):
        if index + 1 < len(fetched):
            assert fetched[index + 1].wait(30)  # though nobody has asked for it
    assert threading.current_thread() not in threads
    assert len(threads) == 1


def test_no_more_than_asked_for_are_held() -> None:
    fetched: list[int] = []

    def items() -> Iterator[int]:
        for index in range(100):
            fetched.append(index)
            yield index

    for index in ahead(items(), 3):
        assert len(fetched) <= index + 1 + 3
        if index == 20:
            break


def test_a_caller_who_stops_waits_for_the_item_at_hand_alone(monkeypatch) -> None:
    stopped = threading.Event()

    class Executor(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            stopped.set()
            super().shutdown(wait=wait)

    monkeypatch.setattr("dmin.features.ahead.ThreadPoolExecutor", Executor)
    fetched: list[int] = []

    def items() -> Iterator[int]:
        for index in range(9):
            fetched.append(index)
            assert index == 0 or stopped.wait(30)
            yield index

    source = ahead(items(), 3)
    assert next(source) == 0
    source.close()
    assert len(fetched) <= 2


def test_an_error_comes_in_its_turn_with_its_own_type() -> None:
    def items() -> Iterator[int]:
        yield 0
        yield 1
        raise MediaError("clip.mp4 is damaged: copy it again")

    source = ahead(items(), 5)
    assert [next(source), next(source)] == [0, 1]
    with pytest.raises(MediaError, match=r"^clip\.mp4 is damaged: copy it again$"):
        next(source)
    assert not fetching()


def test_a_caller_who_stops_early_ends_the_thread_and_the_source() -> None:
    closed_by = []

    def items() -> Iterator[int]:
        try:
            yield from range(1_000_000)
        finally:
            closed_by.append("end")

    source = ahead(items(), 2)
    assert next(source) == 0
    assert fetching()
    source.close()
    assert closed_by == ["end"]
    assert not fetching()


def test_interrupts_of_the_caller_end_the_thread() -> None:
    source = ahead(range(1_000_000), 2)
    next(source)
    with pytest.raises(KeyboardInterrupt):
        source.throw(KeyboardInterrupt())
    assert not fetching()
