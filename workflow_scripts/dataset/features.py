"""Mel features on disk: shards of frames, found by the digest of the audio they come from."""

import hashlib
import mmap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from workflow_scripts.dataset.normalisation import Sums
from workflow_scripts.step import atomic

COLUMNS = {
    "digest": str,
    "first_frame": np.int64,
    "n_frames": np.int64,
    "total": np.float64,
    "squares": np.float64,
    "checksum": str,
    "problem": str,
}
# After so much was read the mapped pages are given back; a few bytes map many around them.
MAPPED_BYTES = 4 << 20


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


class Features:
    """Read access to the frames of some contents; the shards stay on disk, memory-mapped.

    Contents are known by their position among the digests asked for. `index` has a row for each:
    shard, first_frame, n_frames, total, squares, checksum.
    """

    def __init__(self, shards: Sequence[Path], digests: Sequence[str] | np.ndarray) -> None:
        """Look the digests up. Raises KeyError for one that no shard holds."""
        self._shards = [np.load(npy, mmap_mode="r") for npy in shards]
        wanted = pd.Index(digests)
        held = []
        for number, npy in enumerate(shards):
            index = read_index(npy.with_suffix(".csv")).drop(columns="problem")
            held.append(index[index["digest"].isin(wanted)].assign(shard=number))
        table = pd.concat(held).set_index("digest")
        self.index = table.loc[wanted].reset_index(drop=True)
        self._shard_of = self.index["shard"].to_numpy()
        self._first_frame = self.index["first_frame"].to_numpy()
        self._read_bytes = 0

    @property
    def n_frames(self) -> np.ndarray:
        """The frames of each content."""
        return self.index["n_frames"].to_numpy()

    @property
    def n_bands(self) -> int:
        """The mel bands."""
        return self._shards[0].shape[1]

    def read(self, content: int, first: int, n_frames: int, into: np.ndarray) -> None:
        """Copy raw mel energies from frame `first` of a content on; `into` is (n_frames, bands)."""
        start = self._first_frame[content] + first
        into[:] = self._shards[self._shard_of[content]][start : start + n_frames]
        self._read_bytes += into.nbytes
        if self._read_bytes > MAPPED_BYTES:
            # Otherwise all pages ever read count as this process's memory.
            for shard in self._shards:
                shard.base.madvise(mmap.MADV_DONTNEED)
            self._read_bytes = 0


def _write_header(file: BinaryIO, n_frames: int, n_bands: int) -> None:
    file.seek(0)
    header = {"descr": "<f4", "fortran_order": False, "shape": (n_frames, n_bands)}
    np.lib.format.write_array_header_1_0(file, header)  # type: ignore[no-untyped-call]
