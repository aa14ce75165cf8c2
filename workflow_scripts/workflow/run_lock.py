"""One run at a time in a folder of results.

Snakemake's own locks outlive a killed run and then ask for `snakemake --unlock`; an operating
system's lock ends with its process, however that ends.
"""

import getpass
import os
import platform
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from workflow_scripts.errors import UserError


class RunLock:
    """What a run holds from its first job to its end; made when the run is planned.

    `folder` is that of the results. The file `.run` in it names who holds it, or held it last and
    has ended.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / ".run.lock")
        self._planned_after = self._last_run()

    def acquire(self) -> None:
        """Take the lock, until `release` or the end of this process.

        Raises UserError where another run holds it or, since this one was planned, has held it: the
        plan no longer fits the files.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(blocking=False)
            if self._last_run() != self._planned_after:
                self._lock.release()
                raise UserError(
                    f"another run has changed {self._folder} since this one was planned; run the "
                    "same command again"
                )
            self._record.write_text(_this_process())
        except Timeout:
            raise UserError(
                f"{self._folder} is in use by {self._last_run()}; wait for its end, or give this "
                "run another name (--config name=...)"
            ) from None
        except OSError as failure:
            raise UserError(
                f"cannot write to {self._folder}: {failure.strerror}; make room or set its "
                "permissions, or run in a folder of your own"
            ) from None

    def release(self) -> None:
        """Let others run."""
        if self._lock.is_locked:
            # A full disk does not matter to the lock.
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


def _this_process() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a number that has no name.
        user = f"user {os.getuid()}"
    started = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return f"{user} on {platform.node()}, process {os.getpid()}, since {started}"
