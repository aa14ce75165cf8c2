"""What every step has in common: mistakes told in one sentence, files that appear whole."""

import errno
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn


class UserError(Exception):
    """A mistake the user can mend; its text says what, where, and what to do."""


# A full disk, a missing permission: for the user to mend, whatever the step was at.
MENDABLE_OS_ERRORS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EISDIR,
    errno.EEXIST,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ESTALE,
    errno.ENOTDIR,
}


def run(main: Callable[[], None], interrupted: str = "interrupted; run again to go on") -> None:
    """Call `main` and end the process; a user's mistake is one sentence and exit code 1.

    SIGTERM, which a cluster sends at a time limit, raises KeyboardInterrupt as Ctrl-C does; then
    `interrupted` is the sentence.
    """
    _open_streams()
    signal.signal(signal.SIGTERM, _stop)
    # A shell lets its jobs in the background ignore Ctrl-C; that stays.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop)
    try:
        main()
        sys.stdout.flush()
        _end(0)
    except UserError as mistake:
        sentence = f"error: {mistake}"
    except KeyboardInterrupt:
        sentence = interrupted
    except OSError as failure:
        if failure.errno not in MENDABLE_OS_ERRORS:
            raise
        sentence = (
            f"error: cannot use {failure.filename or 'the disk'}: {failure.strerror}; "
            "make room, move what is in the way or set its permissions, then run again"
        )
    _fail(sentence)


def printable(text: str) -> str:
    """Text without what would move a terminal's cursor: such characters as Python writes them."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def _open_streams() -> None:
    """Whoever has closed them wants to hear nothing; names may be beyond a terminal's letters."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115
        getattr(sys, name).reconfigure(errors="backslashreplace")


def _fail(sentence: str) -> NoReturn:
    ignore_signals()
    # What the failed step still holds: of a semaphore left over, multiprocessing has the last word.
    gc.collect()
    # Where the log's disk is full too, the exit code has to do.
    with suppress(OSError):
        sys.stdout.flush()
    with suppress(OSError):
        print(*map(printable, sentence.split("\n")), sep="\n", file=sys.stderr)
    _end(1)


def _end(code: int) -> NoReturn:
    # Without the interpreter's shutdown, which MXNet's threads now and then abort: a step that
    # has finished would fail, and one that was stopped would look like one that crashed.
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(code)


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it takes the final name only if all went well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: numpy.save and others choose by it or would append their own.
    partial = path.with_name(f".{path.stem}.partial-{os.getpid()}{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    except OSError as failure:
        # A full disk is found when bytes are written, not by name.
        failure.filename = failure.filename or str(path)
        raise
    finally:
        partial.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed steps left of files that were to become whole; call it when none runs."""
    for leftover in folder.rglob(".*.partial-*"):
        leftover.unlink(missing_ok=True)


_stopped = False


def _stop(number: int, frame: FrameType | None) -> None:
    global _stopped
    _stopped = True
    raise KeyboardInterrupt


def raise_if_stopped() -> None:
    """Raise KeyboardInterrupt if a signal has asked for the end.

    Where the signal arrives inside a destructor or a callback, Python drops the exception; a long
    computation in a library that has such asks here now and then.
    """
    if _stopped:
        raise KeyboardInterrupt


def ignore_signals() -> None:
    """Let nothing but SIGKILL interrupt what comes now."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
