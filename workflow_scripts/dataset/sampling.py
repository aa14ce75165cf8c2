"""Where the segments of a track start (paper, sections III-A and IV)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd


def regular(lengths: np.ndarray, n_frames: int, hop: int) -> tuple[np.ndarray, np.ndarray]:
    """Segments of `n_frames` that start every `hop` frames of contents of these lengths.

    With a hop of `n_frames` they are the paper's: contiguous, without overlap. An incomplete last
    segment is dropped. Returns, for each segment, its content's position and its first frame.
    """
    counts = np.maximum((lengths - n_frames) // hop + 1, 0)
    contents = np.repeat(np.arange(len(lengths)), counts)
    before = np.repeat(np.cumsum(counts) - counts, counts)
    return contents, (np.arange(len(contents)) - before) * hop


def at_onsets(
    lengths: np.ndarray, n_frames: int, onsets: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Segments of `n_frames` that start at onsets (Nam et al. 2015), frames of each content.

    Onsets too late for a whole segment are left out; a content that is left without any gives its
    first segment, if it is long enough. Returns as `regular`.
    """
    starts = []
    for length, frames in zip(lengths, onsets, strict=True):
        fitting = np.unique(frames[frames + n_frames <= length])
        alone = np.zeros(int(length >= n_frames), np.int64)
        starts.append(fitting if len(fitting) else alone)
    counts = [len(frames) for frames in starts]
    return np.repeat(np.arange(len(starts)), counts), np.concatenate(starts).astype(np.int64)


def read_onsets(shards: Sequence[Path], digests: np.ndarray) -> list[np.ndarray]:
    """The onsets of each of these contents, frames in order.

    A shard is a CSV: digest, and its frames with spaces between them.
    """
    wanted = pd.Index(digests)
    tables = (pd.read_csv(shard, dtype=str, keep_default_na=False) for shard in shards)
    held = pd.concat([table[table["digest"].isin(wanted)] for table in tables])
    frames = held.set_index("digest")["frames"].loc[wanted]
    return [np.array(text.split(), dtype=np.int64) for text in frames]
