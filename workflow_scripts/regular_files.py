"""Open regular files only: a named pipe would wait for a writer, a device may never end."""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_regular(path: str | os.PathLike[str]) -> BufferedReader:
    """Open a regular file, or a link to one, for reading, without waiting.

    Raises OSError otherwise; its `strerror` says what is at `path`.
    """
    try:
        # Opening a device may already do something, so it is not tried.
        _check(Path(path).stat(), path)
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115
    except ValueError:
        raise OSError(errno.EINVAL, "its name contains a NUL character", str(path)) from None
    except FileNotFoundError:
        reason = "it is a broken link" if Path(path).is_symlink() else "it does not exist"
        raise OSError(errno.ENOENT, reason, str(path)) from None
    try:
        # The file may have been replaced before it was opened.
        _check(os.fstat(file.fileno()), path)
    except OSError:
        file.close()
        raise
    return file


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _check(status: os.stat_result, path: str | os.PathLike[str]) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = KINDS.get(stat.S_IFMT(status.st_mode), "a special file")
        raise OSError(errno.EINVAL, f"it is {kind}, not a regular file", str(path))
