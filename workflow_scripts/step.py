"""What every step has in common: mistakes told in one sentence, files that appear whole."""

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


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
    errno.ENOTDIR,
}


def run(main: Callable[[], None]) -> None:
    """Call `main` and end the process; a user's mistake is one sentence and exit code 1.

    SIGTERM, which a cluster sends at a time limit, raises KeyboardInterrupt as Ctrl-C does.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
        sys.stdout.flush()
        sys.stderr.flush()
        # MXNet's threads now and then abort the interpreter's shutdown, and a finished step fails.
        os._exit(0)
    except UserError as mistake:
        sys.exit(f"error: {mistake}")
    except KeyboardInterrupt:
        sys.exit("interrupted; run again to go on")
    except OSError as failure:
        if failure.errno not in MENDABLE_OS_ERRORS:
            raise
        sys.exit(
            f"error: cannot use {failure.filename or 'the disk'}: {failure.strerror}; "
            "make room, move what is in the way or set its permissions, then run again"
        )


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


def ignore_signals() -> None:
    """Let nothing but SIGKILL interrupt what comes now."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
