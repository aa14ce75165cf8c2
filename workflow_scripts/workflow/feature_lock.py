"""One run writes shared features at a time, and none while others read them.

As in `run_lock`, the operating system releases a lock when its process ends, even if it is killed.
"""

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from workflow_scripts.errors import UserError
from workflow_scripts.paths import SharedFeatures
from workflow_scripts.workflow.run_lock import this_process

ENDED = " (ended)"


class FeatureLock:
    """A lock on `folder` in data/features, from a run's first job to its last one that needs it.

    Create it when the run is planned. Its files are in `.locks` beside the folder, so that they
    remain where the folder is removed: NAME.lock, and NAME.run, which describes the run that writes
    into the folder, or the last one that did.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        name = ".".join(folder.relative_to(SharedFeatures.ROOT).parts)
        place = SharedFeatures.ROOT / ".locks"
        self._lock, self._record = place / f"{name}.lock", place / f"{name}.run"
        self._file: int | None = None
        # Whether this process holds the lock to write.
        self.writes = False
        self._planned_after = self._last_run()

    def acquire(self, write: bool) -> None:
        """Take the lock, to write or only to read, until `release` or the end of this process.

        Raises UserError if another run writes, or reads what this one would write, or has written
        since this run was planned: the plan may no longer match the files.
        """
        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as failure:
            raise UserError(
                f"cannot write to {self._lock.parent}: {failure.strerror}; free space, set its "
                "permissions, or run in another folder"
            ) from None
        if not self._try(fcntl.LOCK_EX if write else fcntl.LOCK_SH):
            # Whoever reads lets others read.
            by_reader = write and self._try(fcntl.LOCK_SH)
            self.release()
            raise UserError(self._in_use(by_reader))
        if self._last_run() != self._planned_after:
            self.release()
            raise UserError(
                f"another run has changed the features in {self._folder} since this one was "
                "planned; run the same command again"
            )
        self.writes = write
        if write:
            self._note(this_process())

    def share(self) -> None:
        """Let others read, after the last file is written. Nothing happens if they can already."""
        if self._file is not None and self.writes:
            self._note(f"{self._last_run()}{ENDED}")
            self.writes = False
            # Another run may take the lock between the two states; this one then goes on without.
            self._try(fcntl.LOCK_SH)

    def release(self) -> None:
        """Release the lock, if this process holds it."""
        if self._file is not None:
            if self.writes:
                self._note(f"{self._last_run()}{ENDED}")
            os.close(self._file)
            self._file, self.writes = None, False

    def _try(self, mode: int) -> bool:
        assert self._file is not None
        try:
            fcntl.flock(self._file, mode | fcntl.LOCK_NB)
        except OSError as failure:
            if failure.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return False
            raise
        return True

    def _in_use(self, by_reader: bool) -> str:
        if by_reader:
            return (
                f"the features in {self._folder} are in use by another run, which reads them; wait "
                "until it ends, and run the same command again"
            )
        return (
            f"the features in {self._folder} are being extracted by {self._last_run()}; wait until "
            "it has extracted them, and run the same command again"
        )

    def _note(self, text: str) -> None:
        # A full disk does not affect the lock.
        with suppress(OSError):
            self._record.write_text(text)

    def _last_run(self) -> str:
        try:
            return self._record.read_text()
        except OSError:
            return ""
