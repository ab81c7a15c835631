"""Progress bars and notes on stderr, results on stdout."""

from __future__ import annotations

import io
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import current_thread, main_thread
from types import FrameType
from typing import Any, TextIO

from rich.console import Console as Terminal
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from dmin import progress as reports


class Console:
    """Shows notes and progress unless quiet, and errors always. Progress is bars in a terminal, lines elsewhere."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.interrupted = False
        """Ctrl-C was pressed. Compiled libraries may turn the exception into one of their own."""
        self._lines = _Lines(self.note)
        self._warned: set[str] = set()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a file's name may hold what this terminal cannot show
                stream.reconfigure(errors="backslashreplace")
        self._stderr = Terminal(file=sys.stderr, soft_wrap=True, highlight=False)
        self._stdout = Terminal(file=sys.stdout, soft_wrap=True, highlight=False)

    def note(self, text: str | Table) -> None:
        """Say what is going on, in words or in rows."""
        if not self.quiet:
            self._stderr.print(text, markup=False)

    def step(self, text: str) -> None:
        """Head the next part of a narrated run."""
        if not self.quiet:
            self._stderr.rule(text, align="left", style="bold")

    def error(self, text: str) -> None:
        """Say in one sentence what went wrong."""
        self._stderr.print(f"dmin: {text}", markup=False, style="red")

    def result(self, text: str) -> None:
        """Give an answer."""
        self._stdout.print(text, markup=False)

    def table(self, table: Table) -> None:
        """Give an answer in rows."""
        self._stdout.print(table)

    def warning(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        """Show a warning as one line, once (the signature is that of `warnings.showwarning`)."""
        if not self.quiet and issubclass(category, UserWarning) and str(message) not in self._warned:
            self._warned.add(str(message))
            self._stderr.print(f"note: {message}", markup=False, style="yellow")

    @contextmanager
    def logged(self) -> Iterator[None]:
        """Show what the library logs as notes."""
        logger, handler = logging.getLogger("dmin"), _Notes(self.note)
        level = logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)

    @contextmanager
    def heeding_interrupts(self) -> Iterator[None]:
        """Note Ctrl-C in `interrupted`, and raise a KeyboardInterrupt as usual."""
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler or current_thread() is not main_thread():
            yield
            return

        def heed(number: int, frame: FrameType | None) -> None:
            self.interrupted = True
            signal.default_int_handler(number, frame)

        signal.signal(signal.SIGINT, heed)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    @contextmanager
    def progress(self) -> Iterator[reports.Progress]:
        """Show a bar for each step that is reported. A report after Ctrl-C that was swallowed raises it again."""
        with self._shown() as show:

            def report(step: str, completed: int, total: int | None) -> None:
                if self.interrupted:
                    raise KeyboardInterrupt
                show(step, completed, total)

            yield report

    @contextmanager
    def _shown(self) -> Iterator[reports.Progress]:
        if self.quiet:
            yield reports.silent
            return
        if not self._stderr.is_terminal:
            yield self._lines
            return
        columns: list[Any] = [SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
        columns += [TextColumn("{task.fields[rate]}"), TimeElapsedColumn(), TimeRemainingColumn()]
        bars = Progress(*columns, console=self._stderr)
        tasks: dict[str, TaskID] = {}

        def report(step: str, completed: int, total: int | None) -> None:
            bars.start()  # not earlier: work that fails at once would leave an empty line
            # "training (best 0.91)" and "training (best 0.92)" are one bar.
            key = step.split(" (")[0]
            if key not in tasks:
                tasks[key] = bars.add_task(step, total=total, rate="")
            elapsed = bars.tasks[tasks[key]].elapsed or 0.0
            rate = f"{completed / elapsed:.2f}/s" if elapsed > 1 else ""
            bars.update(tasks[key], description=step, completed=completed, total=total, rate=rate)

        try:
            yield report
        finally:
            if tasks:
                bars.stop()


class _Notes(logging.Handler):
    """Hands on what is logged."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(record.getMessage())


class _Lines:
    """Progress for a file or a pipe: a line every ten seconds."""

    EVERY_SECONDS = 10.0

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._last = time.monotonic()
        self._began: dict[str, tuple[float, int]] = {}

    def __call__(self, step: str, completed: int, total: int | None) -> None:
        now = time.monotonic()
        start, before = self._began.setdefault(step.split(" (")[0], (now, completed))
        if now - self._last < self.EVERY_SECONDS:
            return
        self._last = now
        words = f"{step}: {completed}" if total is None else f"{step}: {completed} of {total}"
        if total is not None and completed - before > 1 and completed < total:  # the first one waits for models
            seconds = (total - completed) * (now - start) / (completed - before)
            words += f", about {timedelta(seconds=round(seconds))} left"
        self._say(words)


def described(error: Exception) -> str:
    """An error that is not dmin's own, as half a sentence."""
    if isinstance(error, OSError):
        return f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
