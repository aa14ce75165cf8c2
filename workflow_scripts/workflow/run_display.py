"""Show a run on standard error in place of Snakemake's own lines."""

import logging
import sys
from collections.abc import Collection
from typing import Any, TextIO

from workflow_scripts.workflow.run_lines import RunLines

# Of Snakemake's settings: with one of these, a user asks for Snakemake's own lines.
FULL_OUTPUT = ("verbose", "debug_dag", "printshellcmds", "dryrun")
# Snakemake's name of the handler that writes its lines.
SNAKEMAKES = "DefaultStreamHandler"


class RunDisplay(logging.Handler):
    """Writes the lines of `RunLines` instead of those of `replaced`, Snakemake's handler.

    What the user's --quiet hides from Snakemake's output is hidden here too. If anything fails,
    Snakemake's handler is back.
    """

    def __init__(self, replaced: logging.StreamHandler[TextIO], lines: RunLines) -> None:
        super().__init__()
        self._replaced, self._lines = replaced, lines
        # Handlers below this level are passed over; the filters are still of use.
        self._replaced.setLevel(sys.maxsize)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of the record, if it has one."""
        try:
            text = self._lines.text(record)
            if text and self._replaced.filter(record):
                self._replaced.stream.write(f"{text}\n")
                self._replaced.flush()
        except BrokenPipeError:
            raise
        # Snakemake would wait forever for a job whose end it cannot log.
        except Exception:
            self._replaced.setLevel(logging.NOTSET)
            self._replaced.handle(record)
            self.handleError(record)


def replace_output(logger: logging.Logger, settings: Any) -> RunDisplay | None:
    """Show the run that starts; `settings` are Snakemake's of its output.

    None, and Snakemake's own lines, if the user asks for all of them or for another logger.
    """
    handlers = [
        handler for handler in logger.handlers if isinstance(handler, logging.StreamHandler)
    ]
    own = next((handler for handler in handlers if handler.name == SNAKEMAKES), None)
    if own is None or any(getattr(settings, name) for name in FULL_OUTPUT):
        return None
    reasons = not {"ALL", "REASON"} & quiet_about(settings.quiet)
    lines = RunLines(own.formatter or logging.Formatter(), reasons, settings.show_failed_logs)
    display = RunDisplay(own, lines)
    logger.addHandler(display)
    return display


def quiet_about(quiet: Collection[Any] | None) -> set[str]:
    """The names of what --quiet hides."""
    return {choice.name for choice in quiet or ()}
