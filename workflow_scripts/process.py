"""How every command and step runs: one sentence for a user's error, a clean exit."""

import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from workflow_scripts.errors import FIXABLE_OS_ERRORS, UserError, printable
from workflow_scripts.interruption import ignore_signals, raise_on_signals


def run(main: Callable[[], None], interrupted: str = "interrupted; run again to continue") -> None:
    """Call `main` and end the process.

    A UserError, or an OSError that the user can fix, prints one sentence and exits with code 1.
    Ctrl-C and SIGTERM print `interrupted` and exit with code 1.
    """
    _open_streams()
    raise_on_signals()
    try:
        main()
        sys.stdout.flush()
        _end(0)
    except UserError as mistake:
        sentence = f"error: {mistake}"
    except KeyboardInterrupt:
        sentence = interrupted
    except OSError as failure:
        if failure.errno not in FIXABLE_OS_ERRORS:
            raise
        sentence = (
            f"error: cannot use {failure.filename or 'the disk'}: {failure.strerror}; "
            "free space, move the file that is in the way or change its permissions, then run again"
        )
    _fail(sentence)


def _open_streams() -> None:
    """Replace closed streams by the null device; escape what a terminal's encoding lacks."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115
        getattr(sys, name).reconfigure(errors="backslashreplace")


def _fail(sentence: str) -> NoReturn:
    ignore_signals()
    # Frees what the failed step holds; multiprocessing would print a warning about its semaphores.
    gc.collect()
    # If the log's disk is full too, only the exit code tells.
    with suppress(OSError):
        sys.stdout.flush()
    with suppress(OSError):
        print(*map(printable, sentence.split("\n")), sep="\n", file=sys.stderr)
    _end(1)


def _end(code: int) -> NoReturn:
    # Skips the interpreter's shutdown, which MXNet's threads sometimes abort with another code.
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(code)
