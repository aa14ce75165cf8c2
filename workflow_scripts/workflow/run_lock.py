"""One run at a time in a folder of results.

Snakemake's locks remain after a killed run and then require `snakemake --unlock`. The operating
system releases a file lock when its process ends, even if it is killed.
"""

import errno
import getpass
import os
import platform
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from workflow_scripts.errors import UserError


class RunLock:
    """A lock on the results in `folder`, held from a run's first job to its end.

    Create it when the run is planned. The file `.run` in the folder describes the run that holds
    the lock, or the last one that did.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / ".run.lock")
        self._planned_after = self._last_run()

    def acquire(self) -> None:
        """Take the lock, until `release` or the end of this object or process.

        Raises UserError if another run holds the lock, or has held it since this run was planned:
        the plan may no longer match the files.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # The files of the lock may exist already.
            if not os.access(self._folder, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            self._lock.acquire(blocking=False)
            if self._last_run() != self._planned_after:
                self._lock.release()
                raise UserError(
                    f"another run has changed {self._folder} since this one was planned; run the "
                    "same command again"
                )
            self._record.write_text(this_process())
        except Timeout:
            raise UserError(
                f"{self._folder} is in use by {self._last_run()}; wait until it ends, or give this "
                "run another name (--config name=...)"
            ) from None
        except OSError as failure:
            raise UserError(
                f"cannot write to {self._folder}: {failure.strerror}; free space, set its "
                "permissions, or run in another folder"
            ) from None

    def release(self) -> None:
        """Release the lock, if this process holds it."""
        if self._lock.is_locked:
            # A full disk does not affect the lock.
            with suppress(OSError):
                self._record.write_text(f"{self._last_run()} (ended)")
            self._lock.release()

    @property
    def _record(self) -> Path:
        return self._folder / ".run"

    def _last_run(self) -> str:
        try:
            return self._record.read_text()
        except OSError:
            return ""


def this_process() -> str:
    """Who runs this process, where, and since when."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # In a container the user id may have no name.
        user = f"user {os.getuid()}"
    started = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return f"{user} on {platform.node()}, process {os.getpid()}, since {started}"
