"""Checksums inside the files of results: a damaged or exchanged file is refused by its reader.

A checksum covers the values of a file and what they are, for example "the weights of time_1x60,
fold 3", which writer and reader both state: a file of another model or experiment in its place is
refused as well. JSON has a key for it, .npz the comment of its zip archive, which `numpy.load`
ignores, and Markdown a last line. Tables: see `checked_tables`.
"""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.atomic_files import atomic
from workflow_scripts.errors import UserError

# Hexadecimal digits of SHA-256; damage stays undetected once in 10^19 files.
LENGTH = 16
KEY = "checksum"
COMMENT = b"checksum "
LAST_LINE = "<!-- checksum {} -->\n"


def start(what: str) -> "hashlib._Hash":
    """A hash of what a file holds, to be updated with its values."""
    return hashlib.sha256(f"{what}\n".encode())


def of(what: str, values: bytes | memoryview) -> str:
    """The checksum of these values, which are `what`."""
    total = start(what)
    total.update(values)
    return total.hexdigest()[:LENGTH]


def damaged(path: Path, what: str) -> UserError:
    """The error of a file whose checksum is not that of `what`."""
    return UserError(
        f"{path} is damaged or belongs elsewhere: its checksum is not that of {what}; remove it "
        "and run snakemake"
    )


def missing(path: Path) -> UserError:
    """The error of a file without a checksum."""
    return UserError(
        f"{path} is damaged or of another version of the workflow: it has no checksum; remove it "
        "and run snakemake"
    )


def write_json(path: Path, values: Mapping[str, Any], what: str) -> None:
    """Write `values`, which are `what`, as JSON with a checksum."""
    content = {**values, KEY: of(what, _canonical(values))}
    with atomic(path) as partial:
        partial.write_text(json.dumps(content, indent=2))


def read_json(path: Path, what: str) -> dict[str, Any]:
    """The values that `write_json` wrote. Raises UserError unless their checksum is correct."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        own = values.pop(KEY)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise missing(path) from None
    if own != of(what, _canonical(values)):
        raise damaged(path, what)
    return dict(values)


def write_text(path: Path, text: str, what: str) -> None:
    """Write `text`, which is `what`, with a checksum in a last line, a comment of HTML."""
    checksum = of(what, text.encode())
    with atomic(path) as partial:
        partial.write_text(text + LAST_LINE.format(checksum), encoding="utf-8")


def read_text(path: Path, what: str) -> str:
    """The text that `write_text` wrote. Raises UserError unless its checksum is correct."""
    end = len(LAST_LINE.format("0" * LENGTH))
    content = path.read_bytes()
    text, last = content[:-end], content[-end:]
    if last != LAST_LINE.format(of(what, text)).encode():
        raise damaged(path, what)
    return text.decode()


def write_npz(path: Path, arrays: Mapping[str, np.ndarray], what: str) -> None:
    """Write `arrays`, which are `what`, as .npz that ends in a checksum."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = COMMENT + b"0" * LENGTH
    content = file.getbuffer()[:-LENGTH]
    with atomic(path) as partial, partial.open("wb") as written:
        written.write(content)
        written.write(of(what, content).encode())


def read_npz(path: Path, what: str) -> dict[str, np.ndarray]:
    """The arrays that `write_npz` wrote. Raises UserError unless their checksum is correct."""
    with path.open("rb") as file:
        # Read before the rest, which may be of any size.
        file.seek(-min(LENGTH + len(COMMENT), os.fstat(file.fileno()).st_size), os.SEEK_END)
        if not file.read().startswith(COMMENT):
            raise missing(path)
        file.seek(0)
        content = memoryview(file.read())
    if of(what, content[:-LENGTH]).encode() != content[-LENGTH:]:
        raise damaged(path, what)
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _canonical(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, sort_keys=True).encode()
