"""Where the lines and the progress of a run go: to a log, or to a terminal with bars."""

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from workflow_scripts.durations import duration
from workflow_scripts.run_display.run_progress import Forecast

# A log has a line about the progress after this share of the work or, at the latest, these seconds,
# but none within the shortest time.
STEP, LONGEST, SHORTEST = 0.05, 600.0, 30.0
BAR_WIDTH = 40


@dataclass(frozen=True)
class Progress:
    """The progress of a run: ended and all jobs of each rule and of the run, and what is expected.

    `running` has the titles of the running jobs.
    """

    rules: Sequence[tuple[str, int, int]]
    jobs: tuple[int, int]
    running: Sequence[str]
    forecast: Forecast

    @property
    def share(self) -> float:
        """The share that is done: of the work if it is known, else of the jobs."""
        done, total = self.jobs
        return done / total if self.forecast.share is None else self.forecast.share


class Screen(Protocol):
    """Shows a run."""

    # Seconds between two calls of `show`.
    period: float

    def say(self, text: str) -> None:
        """Print lines that remain."""

    def say_job(self, title: str) -> None:
        """Tell that a job starts."""

    def show(self, progress: Progress) -> None:
        """Show the progress."""

    def close(self) -> None:
        """Show no progress any more; lines may follow."""


class LogScreen:
    """Lines for a log: one a job, and now and then one about the progress."""

    period = 5.0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._share, self._shown = 0.0, time.monotonic()
        self._is_closed = False

    def say(self, text: str) -> None:
        """See `Screen`."""
        self._stream.write(f"{text}\n")
        self._stream.flush()

    say_job = say

    def show(self, progress: Progress) -> None:
        """See `Screen`."""
        share, now = progress.share, time.monotonic()
        is_due = share - self._share >= STEP or now - self._shown >= LONGEST
        if is_due and now - self._shown >= SHORTEST and not self._is_closed:
            self._share, self._shown = share, now
            self.say(sentence(progress))

    def close(self) -> None:
        """See `Screen`."""
        self._is_closed = True


class TerminalScreen:
    """Bars below the lines on a terminal."""

    period = 1.0

    def __init__(self, stream: TextIO, colour: bool = True) -> None:
        self._stream = stream
        self._output = CapturedOutput()
        self._console = Console(
            file=self._output.terminal,
            force_terminal=True,
            # None: the variable NO_COLOR decides.
            no_color=None if colour else True,
            highlight=False,
        )
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()
        self._output.capture(self.say)

    def say(self, text: str) -> None:
        """See `Screen`."""
        if self._output.is_captured:
            self._console.print(Text(text), soft_wrap=True)
        else:
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def say_job(self, title: str) -> None:
        """The running jobs are below the bars."""
        if not self._output.is_captured:
            self.say(title)

    def show(self, progress: Progress) -> None:
        """See `Screen`."""
        if self._output.is_captured:
            self._live.update(bars(progress, self._console.height), refresh=True)

    def close(self) -> None:
        """See `Screen`."""
        if self._output.is_captured:
            self._output.release()
            # Where the last bars are higher than the terminal, their upper lines would remain.
            self._live.update(Text())
            self._live.stop()


class CapturedOutput:
    """What this process and its jobs write to the terminal; without it, they would write into bars.

    Standard output and error go through a pipe while they are captured, if they are a terminal.
    `terminal` still writes to it.
    """

    def __init__(self) -> None:
        # As standard error: names of files may not be text.
        self.terminal = os.fdopen(os.dup(2), "w", errors="backslashreplace")
        self.is_captured = False

    def capture(self, say: Callable[[str], None]) -> None:
        """Pass each line to `say`, from another thread."""
        _flush()
        self._saved = {number: os.dup(number) for number in (1, 2) if os.isatty(number)}
        reading, writing = os.pipe()
        for number in self._saved:
            os.dup2(writing, number)
        os.close(writing)
        self.is_captured = True
        self._thread = threading.Thread(target=_read, args=(reading, say), daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Give the terminal back, after the lines that are still in the pipe."""
        _flush()
        for number, saved in self._saved.items():
            os.dup2(saved, number)
            os.close(saved)
        # Not for ever: a job may outlive the run and hold the pipe.
        self._thread.join(timeout=1.0)
        self.is_captured = False


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


def _read(reading: int, say: Callable[[str], None]) -> None:
    with os.fdopen(reading, errors="backslashreplace", newline="\n") as pipe:
        for line in pipe:
            say(line.rstrip("\r\n"))


def sentence(progress: Progress) -> str:
    """How much is done and how long the rest takes, for a log."""
    if progress.forecast.share is None:
        return "{} of {} jobs are done".format(*progress.jobs)
    left = time_left(progress.forecast)
    return f"{100 * progress.share:.0f} % of the work is done{left and '; ' + left}"


def time_left(forecast: Forecast) -> str:
    """How long the rest takes, nothing if it is not known."""
    return "" if forecast.seconds is None else f"about {duration(forecast.seconds)} left"


def bars(progress: Progress, height: int) -> Group:
    """A bar for each rule, one for the work of all, and the running jobs, on `height` lines.

    Running jobs take at most half of a terminal. On a low one, rules that are finished or have not
    begun are left out first.
    """
    titles = list(progress.running)
    most = max(height // 2, 1)
    if len(titles) > most:
        titles[most - 1 :] = [f"and {len(titles) - most + 1} more jobs"]
    most = max(height - len(titles) - 3, 1)
    rules = list(progress.rules)
    if len(rules) > most:
        rules = [rule for rule in rules if 0 < rule[1] < rule[2]][:most]
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, done, total in rules:
        table.add_row(name, ProgressBar(total, done, BAR_WIDTH), f"{done}/{total}")
    done, total = progress.jobs
    of_all = f"{done}/{total} jobs"
    if progress.forecast.share is not None:
        of_all = f"{100 * progress.share:.0f} % of the work"
    bar = ProgressBar(1, progress.share, BAR_WIDTH)
    table.add_row("total", bar, of_all, time_left(progress.forecast))
    lines = [Text(f"  {title}", no_wrap=True, overflow="ellipsis") for title in titles]
    return Group(table, *lines)
