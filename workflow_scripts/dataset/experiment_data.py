"""The tracks, folds, features and scalers of an experiment, as most steps read them."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workflow_scripts.audio.parameters import PAPERS, FrontEnd
from workflow_scripts.dataset import split
from workflow_scripts.dataset.features import FeatureFiles, Features
from workflow_scripts.dataset.level import AS_RECORDED, TrainingLevel
from workflow_scripts.dataset.normalisation import Scaler, read_levels, read_scalers
from workflow_scripts.dataset.parts import Fold
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.errors import UserError


def add_options(parser: argparse.ArgumentParser, scaler: bool = True) -> None:
    """Add the options that `ExperimentData.read` uses; --scaler only with `scaler`."""
    parser.add_argument(
        "--features", type=Path, nargs="+", required=True, help="features/shard-<i>.npy"
    )
    parser.add_argument(
        "--index", type=Path, nargs="+", required=True, help="features/shard-<i>.csv"
    )
    parser.add_argument("--folds", type=Path, required=True, help="folds.csv")
    add_front_end(parser)
    if scaler:
        parser.add_argument("--scaler", type=Path, required=True, help="scaler.json")


def add_front_end(parser: argparse.ArgumentParser) -> None:
    """Add the option --front-end."""
    parser.add_argument(
        "--front-end",
        type=FrontEnd.from_json,
        default=PAPERS,
        help="front_end as in config.yaml, as JSON; by default the paper's",
    )


@dataclass(frozen=True)
class ExperimentData:
    """The data that the steps after fit_scaler share.

    `scalers` and `levels` have one entry per fold; they are empty if no scaler was read. The
    features then have the level as recorded.
    """

    feature_files: FeatureFiles
    tracks: Tracks
    scalers: Sequence[Scaler]
    levels: Sequence[TrainingLevel]

    @classmethod
    def read(cls, options: argparse.Namespace) -> "ExperimentData":
        """Read folds.csv and scaler.json; features are read on demand."""
        tracks = split.read(options.folds)
        scaled = hasattr(options, "scaler")
        scalers = read_scalers(options.scaler, tracks.key) if scaled else []
        levels = read_levels(options.scaler, tracks.key) if scaled else []
        level = levels[0].input if levels else AS_RECORDED
        if tracks.front_end != options.front_end.key:
            raise UserError(
                f"{options.folds} is of the front end {tracks.front_end}, but "
                f"{options.front_end.key} is configured; remove it and run snakemake"
            )
        files = FeatureFiles(options.features, options.index, options.front_end, level)
        return cls(files, tracks, scalers, levels)

    @property
    def front_end(self) -> FrontEnd:
        """The front end of the features."""
        return self.feature_files.front_end

    def features(self, digests: Sequence[str] | np.ndarray) -> Features:
        """The features of the tracks with these content digests."""
        return self.feature_files.of(digests)

    def fold(self, number: int, n_frames: int) -> Fold:
        """Fold `number`, cut into segments of `n_frames` frames."""
        return Fold(self.tracks, number, self.feature_files, self.scalers[number], n_frames)
