"""Mel features on disk: shards of frames, found by the digest of the audio they come from."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from workflow_scripts.atomic_files import atomic
from workflow_scripts.dataset.normalisation import Sums

COLUMNS = {
    "digest": str,
    "first_frame": np.int64,
    "n_frames": np.int64,
    "total": np.float64,
    "squares": np.float64,
    "checksum": str,
    "problem": str,
}
# Open at a time: fewer than systems allow a process, more than most corpora have shards.
OPEN_SHARDS = 256


@dataclass(frozen=True)
class Content:
    """The features of one audio content: its digest, raw mel energies (frames, bands), float32.

    `problem` says what is wrong with the audio; empty if nothing is.
    """

    digest: str
    energies: np.ndarray
    problem: str = ""


def write_shard(npy: Path, contents: Iterable[Content], n_bands: int) -> None:
    """Write contents as `npy`, (frames, bands), and its index, the .csv of the same name.

    A row of the index: digest, first_frame, n_frames; total and squares, the sums that the scaler
    is fitted to; checksum, of the values; problem. One content is in memory at a time.
    """
    rows, first = [], 0
    with atomic(npy) as path, path.open("wb") as file:
        _write_header(file, 0, n_bands)
        for content in contents:
            energies = np.ascontiguousarray(content.energies, "<f4")
            file.write(energies.data)
            sums = Sums.of(energies)
            checksum = hashlib.sha256(energies.data).hexdigest()[:16]
            place = (content.digest, first, len(energies))
            rows.append((*place, sums.total, sums.squares, checksum, content.problem))
            first += len(energies)
        # NumPy leaves room in it for the number of frames to grow.
        _write_header(file, first, n_bands)
    with atomic(npy.with_suffix(".csv")) as path:
        pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(path, index=False)


def read_index(csv: Path) -> pd.DataFrame:
    """A shard's index, see `write_shard`."""
    return pd.read_csv(csv, dtype=COLUMNS, keep_default_na=False)


def look_up(index: Sequence[Path], digests: Sequence[str] | np.ndarray) -> pd.DataFrame:
    """The row of each digest in the shards' indices, in the order of `digests`.

    Columns: shard, first_frame, n_frames, total, squares, checksum. Raises KeyError for a digest
    that no shard holds.
    """
    wanted = pd.Index(digests)
    held = []
    for number, csv in enumerate(index):
        table = read_index(csv).drop(columns="problem")
        held.append(table[table["digest"].isin(wanted)].assign(shard=number))
    return pd.concat(held).set_index("digest").loc[wanted].reset_index(drop=True)


@dataclass(frozen=True)
class FeatureFiles:
    """The feature files of an experiment: .npy shards and, in the same order, their indices."""

    shards: Sequence[Path]
    index: Sequence[Path]

    def of(self, digests: Sequence[str] | np.ndarray) -> "Features":
        """The features of these contents. Raises KeyError for a digest that no shard holds."""
        return Features(self, digests)


class Features:
    """Read access to the frames of some contents; the shards stay on disk.

    Frames are read, not mapped into memory: at random places that takes a fraction of the time, and
    what was read does not count as the process's memory. Contents are known by their position among
    the digests asked for. `index` has a row for each: shard, first_frame, n_frames, total, squares,
    checksum.
    """

    def __init__(self, files: FeatureFiles, digests: Sequence[str] | np.ndarray) -> None:
        """Look up the digests. Raises KeyError for one that no shard holds."""
        self._shards = list(files.shards)
        self._opened = lru_cache(OPEN_SHARDS)(_open)
        self.index = look_up(files.index, digests)
        self._shard_of = self.index["shard"].to_numpy()
        self._first_frame = self.index["first_frame"].to_numpy()

    @property
    def n_frames(self) -> np.ndarray:
        """The frames of each content."""
        return self.index["n_frames"].to_numpy()

    @property
    def n_bands(self) -> int:
        """The mel bands."""
        return self._opened(self._shards[0]).n_bands

    def read(self, content: int, first: int, n_frames: int, into: np.ndarray) -> None:
        """Read raw mel energies from frame `first` of a content on; `into` is (n_frames, bands).

        Raises OSError where the shard ends too soon.
        """
        path = self._shards[self._shard_of[content]]
        shard = self._opened(path)
        start = int(self._first_frame[content] + first)
        place = shard.offset + start * shard.n_bands * into.itemsize
        if os.preadv(shard.file.fileno(), [into.data], place) != into.nbytes:
            raise OSError(f"{path} is shorter than its index says; remove it and run again")


@dataclass(frozen=True)
class _Shard:
    """An open .npy: where its frames start, in bytes, and how many bands they have."""

    file: BinaryIO
    offset: int
    n_bands: int


def _open(npy: Path) -> _Shard:
    file = npy.open("rb", buffering=0)
    np.lib.format.read_magic(file)  # type: ignore[no-untyped-call]
    (_, n_bands), _, _ = np.lib.format.read_array_header_1_0(file)  # type: ignore[no-untyped-call]
    return _Shard(file, file.tell(), n_bands)


def _write_header(file: BinaryIO, n_frames: int, n_bands: int) -> None:
    file.seek(0)
    header = {"descr": "<f4", "fortran_order": False, "shape": (n_frames, n_bands)}
    np.lib.format.write_array_header_1_0(file, header)  # type: ignore[no-untyped-call]
