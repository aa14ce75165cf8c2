"""Digests of what files hold, remembered so that a file is read once."""

import hashlib
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from workflow_scripts.atomic_files import atomic
from workflow_scripts.dataset.scan import File

# A file that changed so shortly before it was read may change again without another time.
SETTLED_NS = 2_000_000_000
# Files to a task: one each would take more memory than their digests.
BLOCK = 64


def digests(paths: Sequence[str], threads: int, memory: Path) -> list[str]:
    """SHA-256 of each file's content, in hexadecimal; empty for what cannot be read as a file.

    `memory` is a CSV that remembers them by path, size and time of change. It is read if it is
    there and written anew for these paths; without it all is computed.
    """
    files = [File.at(path) for path in paths]
    known = _read(memory)
    now = time.time_ns()
    missing = [file for file in files if file not in known]
    blocks = [missing[start : start + BLOCK] for start in range(0, len(missing), BLOCK)]
    with ThreadPoolExecutor(threads) as pool:
        for block, computed in zip(blocks, pool.map(_digests, blocks), strict=True):
            known.update(zip(block, computed, strict=True))
    found = [known[file] for file in files]
    table = pd.DataFrame(files, columns=File._fields).assign(digest=found)
    settled = (table["digest"] != "") & (table["mtime_ns"] < now - SETTLED_NS)
    with atomic(memory) as path:
        table[settled].drop_duplicates().sort_values("path").to_csv(path, index=False)
    return found


def _read(memory: Path) -> dict[File, str]:
    try:
        table = pd.read_csv(memory, keep_default_na=False, dtype={"path": str, "digest": str})
        columns = [table[name].tolist() for name in (*File._fields, "digest")]
    except (OSError, ValueError, KeyError):
        # It is a convenience: one that is damaged is none.
        return {}
    return {File(*file): digest for *file, digest in zip(*columns, strict=True)}


def _digests(files: Sequence[File]) -> list[str]:
    return [_digest(file) for file in files]


def _digest(file: File) -> str:
    if file.size < 0:
        return ""
    try:
        with open(file.path, "rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError:
        return ""
