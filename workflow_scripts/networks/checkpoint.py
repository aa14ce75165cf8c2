"""A training's progress on disk, to go on from after any kill.

The file is the SHA-256 of the rest, a line of JSON (key, history), then the weights as .npz.
What its digest or its key does not confirm is not used.
"""

import hashlib
import io
import json
import os
from dataclasses import astuple
from pathlib import Path

import numpy as np

from workflow_scripts.atomic_files import atomic
from workflow_scripts.networks.training import Epoch, Progress

DIGEST_SIZE = hashlib.sha256().digest_size


def write(path: Path, key: str, progress: Progress) -> None:
    """Replace the checkpoint at `path`; `key` stands for all that determines the numbers."""
    header = {"key": key, "history": [astuple(epoch) for epoch in progress.history]}
    arrays = io.BytesIO()
    np.savez(
        arrays,
        **{f"last/{name}": array for name, array in progress.weights.items()},
        **{f"best/{name}": array for name, array in progress.best_weights.items()},
    )
    content = json.dumps(header).encode() + b"\n" + arrays.getbuffer()
    with atomic(path) as partial, partial.open("wb") as file:
        file.write(hashlib.sha256(content).digest())
        file.write(content)
        file.flush()
        # Without it, a machine that loses its power may keep the name and lose the content.
        os.fsync(file.fileno())


def read(path: Path, key: str) -> Progress | None:
    """The progress at `path`; None where there is none, or a torn one, or one of another key."""
    if not path.is_file():
        return None
    content = path.read_bytes()
    digest, content = content[:DIGEST_SIZE], content[DIGEST_SIZE:]
    if hashlib.sha256(content).digest() != digest:
        return None
    line, _, arrays = content.partition(b"\n")
    header = json.loads(line)
    if header["key"] != key:
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
