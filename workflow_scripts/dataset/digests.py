"""Content digests of files, cached so that each file is read once."""

import hashlib
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from workflow_scripts.atomic_files import atomic
from workflow_scripts.dataset.scan import File
from workflow_scripts.regular_files import open_regular

# A file that changed more recently may change again and keep its modification time.
SETTLED_NS = 2_000_000_000
# Files per task: a task for each file would take more memory than the digests.
BLOCK = 64


def digests(paths: Sequence[str], threads: int, cache: Path) -> list[str]:
    """SHA-256 of the content of each file, in hexadecimal; empty if the file cannot be read.

    `cache` is a CSV with the digests of an earlier call by path, size and modification time. It
    may be missing. It is replaced by the digests of these paths.
    """
    files = [File.at(path) for path in paths]
    known = _read(cache)
    now = time.time_ns()
    missing = [file for file in files if file not in known]
    blocks = [missing[start : start + BLOCK] for start in range(0, len(missing), BLOCK)]
    with ThreadPoolExecutor(threads) as pool:
        for block, computed in zip(blocks, pool.map(_digests, blocks), strict=True):
            known.update(zip(block, computed, strict=True))
    found = [known[file] for file in files]
    table = pd.DataFrame(files, columns=File._fields).assign(digest=found)
    settled = (table["digest"] != "") & (table["mtime_ns"] < now - SETTLED_NS)
    with atomic(cache) as path:
        table[settled].drop_duplicates().sort_values("path").to_csv(path, index=False)
    return found


def digest_of_file(path: str | os.PathLike[str]) -> str:
    """SHA-256 of the content of a file, in hexadecimal. Raises OSError if it cannot be read."""
    with open_regular(path) as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _read(cache: Path) -> dict[File, str]:
    try:
        table = pd.read_csv(cache, keep_default_na=False, dtype={"path": str, "digest": str})
        columns = [table[name].tolist() for name in (*File._fields, "digest")]
    except (OSError, ValueError, KeyError):
        # Missing or damaged: the digests are computed again.
        return {}
    return {File(*file): digest for *file, digest in zip(*columns, strict=True)}


def _digests(files: Sequence[File]) -> list[str]:
    return [_digest(file) for file in files]


def _digest(file: File) -> str:
    if file.size < 0:
        return ""
    # Files of /proc are regular and state no size, but some never end.
    if file.size == 0:
        return hashlib.sha256().hexdigest()
    try:
        return digest_of_file(file.path)
    except OSError:
        return ""
