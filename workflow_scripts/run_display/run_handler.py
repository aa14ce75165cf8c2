"""Show a run on standard error in place of Snakemake's own lines."""

import atexit
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Any, TextIO

from workflow_scripts.run_display.run_lines import ENDS, FAILS, STARTS, RunLines
from workflow_scripts.run_display.run_progress import PlannedJob, RunProgress
from workflow_scripts.run_display.run_screens import LogScreen, Progress, Screen, TerminalScreen
from workflow_scripts.workflow.events import JOBS, PLAN

# Of Snakemake's settings: with one of these, a user asks for Snakemake's own lines.
FULL_OUTPUT = ("verbose", "debug_dag", "printshellcmds", "dryrun")
# Snakemake's name of the handler that writes its lines.
SNAKEMAKES = "DefaultStreamHandler"
Plan = Callable[[], Mapping[int, PlannedJob]]


class RunDisplay(logging.Handler):
    """Writes the lines of `RunLines` and the progress instead of what `replaced` writes.

    `replaced` is Snakemake's handler. What the user's --quiet hides from Snakemake's output is
    hidden here too. If anything fails, Snakemake's handler is back.
    """

    def __init__(
        self,
        replaced: logging.StreamHandler[TextIO],
        lines: RunLines,
        progress: RunProgress,
        plan: Plan,
        colour: bool = True,
    ) -> None:
        super().__init__()
        self._replaced, self._lines = replaced, lines
        self._progress, self._plan, self._colour = progress, plan, colour
        self._screen: Screen = LogScreen(replaced.stream)
        self._is_over = threading.Event()
        # Handlers below this level are passed over; the filters are still of use.
        self._replaced.setLevel(sys.maxsize)

    def emit(self, record: logging.LogRecord) -> None:
        """Note what the record says about the progress; write its line, if it has one."""
        try:
            self._note(record)
            text = self._lines.text(record)
            if text and self._replaced.filter(record):
                is_job = getattr(record, "event", None) == STARTS
                (self._screen.say_job if is_job else self._screen.say)(text)
        except BrokenPipeError:
            raise
        # Snakemake would wait forever for a job whose end it cannot log.
        except Exception:
            self._give_back()
            self._replaced.handle(record)
            self.handleError(record)

    def close(self) -> None:
        """End when Snakemake closes its handlers."""
        self._is_over.set()
        with self._lock():
            self._screen.close()
        super().close()

    def _note(self, record: logging.LogRecord) -> None:
        event = getattr(record, "event", None)
        if event == PLAN and self._replaced.filter(record):
            self._begin()
        if event in (PLAN, JOBS):
            self._progress.plan(self._plan())
        if event == STARTS:
            self._progress.start(vars(record)["jobid"], time.monotonic())
        if event == ENDS:
            self._progress.end(vars(record)["job_id"], time.monotonic())
        if event == FAILS:
            self._progress.fail(vars(record)["jobid"])

    def _begin(self) -> None:
        """Show the progress from now on."""
        is_terminal = self._replaced.stream.isatty() and os.isatty(2)
        if is_terminal and os.environ.get("TERM", "dumb") not in ("dumb", "unknown"):
            self._screen = TerminalScreen(self._replaced.stream, self._colour)
            # If Snakemake ends without closing its handlers.
            atexit.register(self._screen.close)
        threading.Thread(target=self._show, daemon=True).start()

    def _show(self) -> None:
        while not self._is_over.wait(self._screen.period):
            try:
                with self._lock():
                    self._screen.show(self._now())
            except Exception:
                self._give_back()
                raise

    def _now(self) -> Progress:
        return Progress(
            self._progress.rules(),
            self._progress.jobs(),
            [self._lines.title(job) for job in self._progress.running()],
            self._progress.forecast(time.monotonic()),
        )

    def _give_back(self) -> None:
        """Let Snakemake show the run, even if the screen cannot be closed."""
        self.setLevel(sys.maxsize)
        self._replaced.setLevel(logging.NOTSET)
        with suppress(Exception):
            self.close()

    @contextmanager
    def _lock(self) -> Iterator[None]:
        # That of `handle`, which calls `emit`.
        self.acquire()
        try:
            yield
        finally:
            self.release()


def replace_output(
    logger: logging.Logger, settings: Any, progress: Callable[[], RunProgress], plan: Plan
) -> RunDisplay | None:
    """Show the run that starts; `settings` are Snakemake's of its output.

    None, and Snakemake's own lines, if the user asks for all of them or for another logger.
    """
    handlers = [
        handler for handler in logger.handlers if isinstance(handler, logging.StreamHandler)
    ]
    for handler in handlers:
        # Names of files may not be text; the file of Snakemake's log accepts nothing else.
        if isinstance(handler, logging.FileHandler) and isinstance(handler.stream, TextIOWrapper):
            handler.stream.reconfigure(errors="backslashreplace")
    own = next((handler for handler in handlers if handler.name == SNAKEMAKES), None)
    if own is None or any(getattr(settings, name) for name in FULL_OUTPUT):
        return None
    hidden = {choice.name for choice in settings.quiet or ()}
    lines = RunLines(
        own.formatter or logging.Formatter(),
        not hidden & {"ALL", "REASON"},
        settings.show_failed_logs,
    )
    display = RunDisplay(own, lines, progress(), plan, not settings.nocolor)
    logger.addHandler(display)
    return display
