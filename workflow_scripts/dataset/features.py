"""Mel features on disk, in shards, indexed by content digest."""

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
from workflow_scripts.audio.silence import in_silence
from workflow_scripts.dataset import silence
from workflow_scripts.dataset.level import AS_RECORDED, NORMALISED, level_of, normalising_gain
from workflow_scripts.dataset.normalisation import Sums

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
    "checksum": str,
    "problem": str,
}
# Files open at a time: fewer than operating systems allow, more than most data sets have.
OPEN_SHARDS = 256


@dataclass(frozen=True)
class Content:
    """The features of one audio content: raw mel energies, float32 (frames, bands).

    `problem` says why the audio cannot be used; empty if it can.
    """

    digest: str
    energies: np.ndarray
    problem: str = ""


def write_shard(npy: Path, contents: Iterable[Content], n_bands: int) -> None:
    """Write the energies to `npy`, float32 (frames, bands), and its index to a .csv beside it.

    The index has one row per content: digest, first_frame, n_frames; total and squares, the sums
    outside silences that the scaler is fitted to, as recorded and with normalised level; level;
    silence, the frames in silences (`silence.as_text`); checksum of the energies; problem. One
    content is in memory at a time.
    """
    rows, first = [], 0
    with atomic(npy) as path, path.open("wb") as file:
        _write_header(file, 0, n_bands)
        for content in contents:
            energies = np.ascontiguousarray(content.energies, "<f4")
            file.write(energies.data)
            checksum = hashlib.sha256(energies.data).hexdigest()[:16]
            place = (content.digest, first, len(energies))
            rows.append((*place, *_measured(energies), checksum, content.problem))
            first += len(energies)
        # NumPy pads the header, so the final number of frames fits.
        _write_header(file, first, n_bands)
    with atomic(npy.with_suffix(".csv")) as path:
        pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(path, index=False)


def _measured(energies: np.ndarray) -> tuple[float, float, float, float, float, str]:
    """The columns of the index from total to silence."""
    silent = in_silence(energies)
    sound, level = energies[~silent], level_of(energies, silent)
    sums, normalised = Sums.of(sound), Sums.of(sound * normalising_gain(level))
    return (
        *(sums.total, sums.squares, normalised.total, normalised.squares, level),
        silence.as_text(silent),
    )


def read_index(csv: Path) -> pd.DataFrame:
    """The index of a shard (see `write_shard`)."""
    return pd.read_csv(csv, dtype=COLUMNS, keep_default_na=False)


def look_up(index: Sequence[Path], digests: Sequence[str] | np.ndarray) -> pd.DataFrame:
    """The rows of these digests in the indices of all shards, in the order of `digests`.

    Columns: shard, and those of `write_shard` except digest and problem. Raises KeyError if a
    digest is in no shard.
    """
    wanted = pd.Index(digests)
    tables = []
    for number, csv in enumerate(index):
        table = read_index(csv).drop(columns="problem")
        tables.append(table[table["digest"].isin(wanted)].assign(shard=number))
    return pd.concat(tables).set_index("digest").loc[wanted].reset_index(drop=True)


@dataclass(frozen=True)
class FeatureFiles:
    """The feature files of an experiment: .npy shards, and their .csv indices in the same order.

    With `level` NORMALISED, each content's energies are read with the gain that normalises it.
    """

    shards: Sequence[Path]
    index: Sequence[Path]
    level: str = AS_RECORDED

    def of(self, digests: Sequence[str] | np.ndarray) -> "Features":
        """The features of these contents. Raises KeyError if a digest is in no shard."""
        return Features(self, digests)


class Features:
    """Read access to the frames of some contents; the shards stay on disk.

    A content is referred to by its position in `digests`. `index` has one row per content, as
    returned by `look_up`. Frames are read, not mapped into memory: random access is much
    faster, and the pages do not count as memory of the process.
    """

    def __init__(self, files: FeatureFiles, digests: Sequence[str] | np.ndarray) -> None:
        """Look up the digests. Raises KeyError if one is in no shard."""
        self._shards = list(files.shards)
        self._opened = lru_cache(OPEN_SHARDS)(_open)
        self.index = look_up(files.index, digests)
        self._shard_of = self.index["shard"].to_numpy()
        self._first_frame = self.index["first_frame"].to_numpy()
        self.level = files.level
        self._gain = [normalising_gain(level) for level in self.index["level"]]

    @property
    def n_frames(self) -> np.ndarray:
        """The number of frames of each content, int (contents,)."""
        return self.index["n_frames"].to_numpy()

    @property
    def n_bands(self) -> int:
        """The number of mel bands."""
        return self._opened(self._shards[0]).n_bands

    def whole(self, content: int) -> np.ndarray:
        """All raw mel energies of a content, float32 (frames, bands)."""
        energies = np.empty((self.n_frames[content], self.n_bands), np.float32)
        self.read(content, 0, len(energies), energies)
        return energies

    def read(self, content: int, first: int, n_frames: int, into: np.ndarray) -> None:
        """Read the raw mel energies of `n_frames` frames of a content, starting at frame `first`.

        They have the content's gain if the level is normalised. `into` is float32 (n_frames,
        bands). Raises OSError if the shard is truncated.
        """
        path = self._shards[self._shard_of[content]]
        shard = self._opened(path)
        start = int(self._first_frame[content] + first)
        offset = shard.offset + start * shard.n_bands * into.itemsize
        if os.preadv(shard.file.fileno(), [into.data], offset) != into.nbytes:
            raise OSError(f"{path} is shorter than its index says; remove it and run again")
        if self.level == NORMALISED:
            into *= self._gain[content]


@dataclass(frozen=True)
class _Shard:
    """An open .npy file; `offset` is the position of its first frame, in bytes."""

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
