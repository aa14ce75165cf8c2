"""The progress of a training on disk, from which it continues after an interruption.

The file contains the SHA-256 of the rest, a line of JSON (course, history), and the weights as
.npz. A file of another course is ignored, and so is one with a wrong digest, with a note.
"""

import hashlib
import io
import json
import os
import sys
import time
from dataclasses import astuple
from pathlib import Path

import numpy as np

from workflow_scripts.atomic_files import atomic
from workflow_scripts.errors import UserError
from workflow_scripts.networks import epoch_file
from workflow_scripts.networks.architecture import Weights
from workflow_scripts.networks.epoch_file import EpochFile
from workflow_scripts.networks.training import Epoch, Progress

DIGEST_SIZE = hashlib.sha256().digest_size


class Checkpoint:
    """The checkpoint at `path` of the training with this `course` (`Identity.course`).

    `write_if_due` writes only if the last write is at least `seconds` ago. The finished epochs are
    also in an `EpochFile` beside it, for whoever watches the training.
    """

    def __init__(self, path: Path, course: str, seconds: float = 0) -> None:
        self._path = path
        self._course = course
        self._seconds = seconds
        self._epochs = EpochFile(path.with_name(epoch_file.NAME))
        self._written = time.monotonic()

    def resume(self, start: Weights, max_epochs: int) -> Progress:
        """The stored progress, or a new one with the weights `start` if none is usable.

        Progress with more than `max_epochs` epochs is not usable. Raises UserError if the
        checkpoint could never be replaced.
        """
        if self._path.exists() and not self._path.is_file():
            raise UserError(f"{self._path} is not a file; move it away and run again")
        progress = self.read()
        if progress is None or len(progress.history) > max_epochs:
            progress = Progress.start(start)
        self._epochs.start(progress.history)
        return progress

    def write_if_due(self, progress: Progress) -> None:
        """Write, unless the last write is less than `seconds` ago."""
        self._epochs.add(progress.history)
        if time.monotonic() - self._written >= self._seconds:
            self.write(progress)

    def write(self, progress: Progress) -> None:
        """Replace the checkpoint."""
        header = {"course": self._course, "history": [astuple(epoch) for epoch in progress.history]}
        arrays = io.BytesIO()
        np.savez(
            arrays,
            **{f"last/{name}": array for name, array in progress.weights.items()},
            **{f"best/{name}": array for name, array in progress.best_weights.items()},
        )
        content = json.dumps(header).encode() + b"\n" + arrays.getbuffer()
        with atomic(self._path) as partial, partial.open("wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)
            file.flush()
            # Otherwise, a power failure may keep the file's name and lose its content.
            os.fsync(file.fileno())
        self._written = time.monotonic()
        self._epochs.add(progress.history, at_once=True)

    def read(self) -> Progress | None:
        """The stored progress; None if it is missing, damaged or of another course."""
        if not self._path.is_file():
            return None
        content = self._path.read_bytes()
        digest, content = content[:DIGEST_SIZE], content[DIGEST_SIZE:]
        if hashlib.sha256(content).digest() != digest:
            print(
                f"note: {self._path} is damaged: its checksum differs; training starts from the "
                "beginning",
                file=sys.stderr,
            )
            return None
        line, _, arrays = content.partition(b"\n")
        header = json.loads(line)
        if header.get("course") != self._course:
            return None
        with np.load(io.BytesIO(arrays), allow_pickle=False) as stored:
            last, best = (
                {
                    name.removeprefix(prefix): stored[name]
                    for name in stored.files
                    if name.startswith(prefix)
                }
                for prefix in ("last/", "best/")
            )
        return Progress(last, best, tuple(Epoch(*row) for row in header["history"]))
