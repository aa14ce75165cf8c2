"""Locks that keep trainings from taking more places on a GPU than it has."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from workflow_scripts.errors import UserError

POLL_SECONDS = 0.5


@contextmanager
def locked(uuids: Sequence[str], n_places: int, wait: bool) -> Iterator[str]:
    """Lock a place on one of the GPUs, each of which has `n_places`; wait for one if `wait`.

    The jobs of one user spread over the GPUs: all first places are taken before a second one.

    Raises UserError if all places are taken and `wait` is False.
    """
    folder = Path(tempfile.gettempdir()) / f"training-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    locks = [
        (uuid, FileLock(folder / f"{uuid}-{place}.lock"))
        for place in range(n_places)
        for uuid in uuids
    ]
    waiting = False
    while True:
        for uuid, lock in locks:
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            try:
                yield uuid
            finally:
                lock.release()
            return
        if not wait:
            raise UserError(
                "other trainings hold every visible GPU; run again when one has ended, or request "
                "fewer GPUs"
            )
        if not waiting:
            waiting = True
            print("waiting: other trainings hold every visible GPU", file=sys.stderr, flush=True)
        time.sleep(POLL_SECONDS)
