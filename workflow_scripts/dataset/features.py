"""Mel features on disk, in shards, indexed by content digest."""

import hashlib
import io
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.atomic_files import atomic
from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.audio.silence import in_silence
from workflow_scripts.dataset import shards, silence
from workflow_scripts.dataset.level import AS_RECORDED, NORMALISED, level_of, normalising_gain
from workflow_scripts.dataset.normalisation import Sums
from workflow_scripts.errors import UserError

COLUMNS = {
    "digest": str,
    "first_frame": np.int64,
    "n_frames": np.int64,
    "total": np.float64,
    "squares": np.float64,
    "normalised_total": np.float64,
    "normalised_squares": np.float64,
    "level": np.float64,
    "silence": str,
    "front_end": str,
    "checksum": str,
    "problem": str,
}
INDEX = "the index of a shard of features"
CHECKSUM_LENGTH = 16
ITEM_SIZE = 4
# Bytes that are read at once when a content is checked.
BLOCK = 2**20
# Files open at a time: fewer than operating systems allow, more than most data sets have.
OPEN_SHARDS = 256


def damaged(shard: Path) -> UserError:
    """The error of a shard whose frames are not those in its index."""
    return UserError(
        f"{shard} is damaged: its checksum differs from that in its index; remove it and run "
        "snakemake"
    )


@dataclass(frozen=True)
class Content:
    """The features of one audio content: raw mel energies, float32 (frames, bands).

    `problem` says why the audio cannot be used; empty if it can.
    """

    digest: str
    energies: np.ndarray
    problem: str = ""


def write_shard(npy: Path, contents: Iterable[Content], front_end: FrontEnd) -> None:
    """Write the energies to `npy`, float32 (frames, bands), and its index to a .csv beside it.

    The index has one row per content: digest, first_frame, n_frames; total and squares, the sums
    outside silences that the scaler is fitted to, as recorded and with normalised level; level;
    silence, the frames in silences (`silence.as_text`); front_end, its key; checksum of the
    energies; problem. One content is in memory at a time.
    """
    rows, first, n_bands = [], 0, front_end.n_bands
    with atomic(npy) as path, path.open("wb") as file:
        file.write(_header(0, n_bands))
        for content in contents:
            energies = np.ascontiguousarray(content.energies, "<f4")
            file.write(energies.data)
            checksum = hashlib.sha256(energies.data).hexdigest()[:CHECKSUM_LENGTH]
            place = (content.digest, first, len(energies))
            measured = _measured(energies, front_end)
            rows.append((*place, *measured, front_end.key, checksum, content.problem))
            first += len(energies)
        # NumPy pads the header, so the final number of frames fits.
        file.seek(0)
        file.write(_header(first, n_bands))
    index = pd.DataFrame(rows, columns=list(COLUMNS))
    checked_tables.write(npy.with_suffix(".csv"), index, INDEX)


def _measured(
    energies: np.ndarray, front_end: FrontEnd
) -> tuple[float, float, float, float, float, str]:
    """The columns of the index from total to silence."""
    silent = in_silence(energies, front_end)
    sound, level = energies[~silent], level_of(energies, silent, front_end)
    sums, normalised = (
        Sums.of(own, front_end.compression) for own in (sound, sound * normalising_gain(level))
    )
    return (
        *(sums.total, sums.squares, normalised.total, normalised.squares, level),
        silence.as_text(silent),
    )


def read_index(csv: Path) -> pd.DataFrame:
    """The index of a shard (see `write_shard`). Raises UserError if it is damaged."""
    return checked_tables.read(csv, INDEX, dtype=COLUMNS, keep_default_na=False)


def look_up(
    index: Sequence[Path], digests: Sequence[str] | np.ndarray, front_end: FrontEnd
) -> pd.DataFrame:
    """The rows of these digests in the indices of all shards, in the order of `digests`.

    Columns: shard, and those of `write_shard`. Raises UserError if an index is damaged, a digest is
    in no shard, or the features are of another front end.
    """
    rows = shards.of_contents(index, digests, read_index).reset_index()
    others = rows[rows["front_end"] != front_end.key]
    if len(others):
        csv, key = index[others["shard"].iloc[0]], others["front_end"].iloc[0]
        raise UserError(
            f"{csv} has features of the front end {key}, but {front_end.key} is configured; remove "
            "it and run snakemake"
        )
    return rows


@dataclass(frozen=True)
class FeatureFiles:
    """The feature files of an experiment: .npy shards, and their .csv indices in the same order.

    They are of `front_end`. With `level` NORMALISED, each content's energies are read with the gain
    that normalises it.
    """

    shards: Sequence[Path]
    index: Sequence[Path]
    front_end: FrontEnd
    level: str = AS_RECORDED

    def of(self, digests: Sequence[str] | np.ndarray) -> "Features":
        """The features of these contents. Raises UserError as `look_up`."""
        return Features(self, digests)


class Features:
    """Read access to the frames of some contents; the shards stay on disk.

    A content is referred to by its position in `digests`. `index` has one row per content, as
    returned by `look_up`. Frames are read, not mapped into memory: random access is much
    faster, and the pages do not count as memory of the process. All frames of a content are checked
    when the first of them is read.
    """

    def __init__(self, files: FeatureFiles, digests: Sequence[str] | np.ndarray) -> None:
        """Look up the digests. Raises UserError as `look_up`."""
        self._shards = list(files.shards)
        self._opened = lru_cache(OPEN_SHARDS)(_open)
        self.index = look_up(files.index, digests, files.front_end)
        self._shard_of = self.index["shard"].to_numpy()
        self._first_frame = self.index["first_frame"].to_numpy()
        self.front_end, self.level = files.front_end, files.level
        self._gain = [normalising_gain(level) for level in self.index["level"]]
        self._is_checked = np.zeros(len(self.index), bool)

    @property
    def n_frames(self) -> np.ndarray:
        """The number of frames of each content, int (contents,)."""
        return self.index["n_frames"].to_numpy()

    @property
    def n_bands(self) -> int:
        """The number of mel bands."""
        return self.front_end.n_bands

    def whole(self, content: int) -> np.ndarray:
        """All raw mel energies of a content, float32 (frames, bands)."""
        energies = np.empty((self.n_frames[content], self.n_bands), np.float32)
        self.read(content, 0, len(energies), energies)
        return energies

    def read(self, content: int, first: int, n_frames: int, into: np.ndarray) -> None:
        """Read the raw mel energies of `n_frames` frames of a content, starting at frame `first`.

        They have the content's gain if the level is normalised. `into` is float32 (n_frames,
        bands). Raises UserError if the content is damaged.
        """
        path = self._shards[self._shard_of[content]]
        shard = self._opened(path)
        if not self._is_checked[content]:
            self._check(content, shard, path)
        start = int(self._first_frame[content] + first)
        if os.preadv(shard.file.fileno(), [into.data], shard.place_of(start)) != into.nbytes:
            raise damaged(path)
        if self.level == NORMALISED:
            into *= self._gain[content]

    def _check(self, content: int, shard: "_Shard", path: Path) -> None:
        """Raise UserError unless the frames of a content have the checksum in the index."""
        first = int(self._first_frame[content])
        place, end = (shard.place_of(first + n) for n in (0, int(self.n_frames[content])))
        total = hashlib.sha256()
        for start in range(place, end, BLOCK):
            total.update(os.pread(shard.file.fileno(), min(BLOCK, end - start), start))
        if total.hexdigest()[:CHECKSUM_LENGTH] != self.index["checksum"][content]:
            raise damaged(path)
        self._is_checked[content] = True


@dataclass(frozen=True)
class _Shard:
    """An open .npy file; `offset` is the position of its first frame, in bytes."""

    file: BinaryIO
    offset: int
    n_bands: int

    def place_of(self, frame: int) -> int:
        """The position of a frame, in bytes."""
        return self.offset + frame * self.n_bands * ITEM_SIZE


def _open(npy: Path) -> _Shard:
    """Open a shard. Raises UserError unless its header and its size are as `write_shard` wrote."""
    file = npy.open("rb", buffering=0)
    found = re.search(rb"'shape': \((\d{1,18}), (\d{1,18})\)", file.read(len(_header(0, 0))))
    if not found:
        raise damaged(npy)
    n_frames, n_bands = map(int, found.groups())
    header = _header(n_frames, n_bands)
    size = len(header) + n_frames * n_bands * ITEM_SIZE
    if os.pread(file.fileno(), len(header), 0) != header or os.fstat(file.fileno()).st_size != size:
        raise damaged(npy)
    return _Shard(file, len(header), n_bands)


def _header(n_frames: int, n_bands: int) -> bytes:
    """The header of an .npy file."""
    file = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": (n_frames, n_bands)}
    np.lib.format.write_array_header_1_0(file, header)  # type: ignore[no-untyped-call]
    return file.getvalue()
