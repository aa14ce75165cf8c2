"""Where the segments of a track start (paper, sections III-A and IV)."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from workflow_scripts import checked_tables
from workflow_scripts.dataset import shards


def regular(lengths: np.ndarray, n_frames: int, hop: int) -> tuple[np.ndarray, np.ndarray]:
    """Segments of `n_frames` frames that start every `hop` frames in contents of these lengths.

    With a hop of `n_frames` they are contiguous, as in the paper. An incomplete last segment is
    dropped. Returns the position of each segment's content and its first frame, int (segments,).
    """
    counts = np.maximum((lengths - n_frames) // hop + 1, 0)
    contents = np.repeat(np.arange(len(lengths)), counts)
    before = np.repeat(np.cumsum(counts) - counts, counts)
    return contents, (np.arange(len(contents)) - before) * hop


def at_onsets(
    lengths: np.ndarray, n_frames: int, onsets: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Segments of `n_frames` frames that start at onsets (Nam et al. 2015).

    `onsets` has the frame numbers of the onsets of each content. An onset too close to the end is
    ignored. A content without a usable onset gives its first segment if it is long enough. Returns
    the same as `regular`.
    """
    starts = []
    for length, frames in zip(lengths, onsets, strict=True):
        usable = np.unique(frames[frames + n_frames <= length])
        default = np.zeros(int(length >= n_frames), np.int64)
        starts.append(usable if len(usable) else default)
    counts = [len(frames) for frames in starts]
    return np.repeat(np.arange(len(starts)), counts), np.concatenate(starts).astype(np.int64)


def read_onsets(tables: Sequence[Path], digests: np.ndarray) -> list[np.ndarray]:
    """The onsets of the contents with these digests, as frame numbers.

    `tables` are CSVs, one per shard, with the columns digest and frames; frames are separated by
    spaces. Raises UserError if one is damaged.
    """
    read = partial(
        checked_tables.read, what=shards.what("frames"), dtype=str, keep_default_na=False
    )
    rows = shards.of_contents(tables, digests, read)
    return [np.array(text.split(), dtype=np.int64) for text in rows["frames"]]
