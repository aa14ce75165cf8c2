"""The work of an epoch of a training, from the lengths of the tracks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.dataset import split
from workflow_scripts.dataset.features import look_up
from workflow_scripts.dataset.sampling import regular
from workflow_scripts.errors import UserError
from workflow_scripts.networks import pace

BALLROOM_TRACKS, BALLROOM_CLASSES = 698, 8
SECONDS = 30


@dataclass(frozen=True)
class Corpus:
    """A description of the data, the number of frames of each track, the number of classes.

    `fixed` has the positions of the train and of the validation tracks of a fixed split.
    """

    description: str
    frames: np.ndarray
    n_classes: int
    fixed: tuple[np.ndarray, np.ndarray] | None = None


def ballroom(front_end: FrontEnd) -> Corpus:
    """Ballroom before it is downloaded."""
    description = (
        f"Ballroom's {BALLROOM_TRACKS} tracks (not downloaded; assumed to last {SECONDS} s each)"
    )
    n_frames = math.ceil(SECONDS * front_end.frame_rate) + 1
    return Corpus(description, np.full(BALLROOM_TRACKS, n_frames), BALLROOM_CLASSES)


def read(index: Sequence[Path], folds: Path, front_end: FrontEnd) -> Corpus:
    """The tracks in folds.csv, with the lengths of their features."""
    tracks = split.read(folds)
    frames = look_up(index, tracks.digest, front_end)["n_frames"].to_numpy()
    fixed = (tracks.part(0, "train"), tracks.part(0, "validation")) if tracks.is_fixed else None
    return Corpus(f"{len(frames)} tracks", frames, len(tracks.classes), fixed)


@dataclass(frozen=True)
class EpochWork:
    """Steps and validation segments of one epoch of a variant, means over the folds."""

    n_steps: float
    n_predictions: float

    @classmethod
    def of(
        cls,
        corpus: Corpus,
        variant: str,
        subject: pace.Subject,
        n_folds: int,
        hop: int | None = None,
    ) -> "EpochWork":
        """The work if all folds but two train and one validates, or that of a fixed split.

        Training segments start every `hop` frames, by default their length. Raises UserError for
        less than one batch.
        """
        n_frames = subject.network.frames
        train, validation = corpus.frames, corpus.frames
        if corpus.fixed is not None:
            train, validation = (corpus.frames[part] for part in corpus.fixed)
        n_segments = (validation // n_frames).sum()
        sampled = len(regular(train, n_frames, hop or n_frames)[0])
        n_training = sampled if corpus.fixed else sampled * (n_folds - 2) / n_folds
        n_steps = n_training // subject.batch_size
        if not n_steps:
            raise UserError(
                f"{corpus.description} have fewer training segments for {variant} than one batch "
                f"of {subject.batch_size}; lower training.batch_size or add tracks"
            )
        return cls(n_steps, n_segments if corpus.fixed else n_segments / n_folds)

    def seconds(self, measured: pace.Pace) -> float:
        """The duration of the epoch at this pace."""
        return self.n_steps * measured.step + self.n_predictions * measured.prediction
