"""What the training of a fold reads before its first epoch."""

import argparse
import platform
import sys

import numpy as np

from workflow_scripts.dataset import split
from workflow_scripts.dataset.experiment_data import ExperimentData
from workflow_scripts.dataset.parts import Part
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.errors import UserError, listed, printable
from workflow_scripts.networks import training, weights
from workflow_scripts.networks.architecture import Network, Weights, donated
from workflow_scripts.networks.engine import engine_class
from workflow_scripts.networks.fold_training import FoldFiles, FoldTraining
from workflow_scripts.networks.identity import Identity, ModelKey, digest_of_arrays


def prepare(
    options: argparse.Namespace,
    data: ExperimentData,
    files: FoldFiles,
    device: str,
    code: str,
) -> FoldTraining:
    """Read what the training needs; segments are read on demand.

    `device` is "cpu" or the name of the GPU, `code` the digest of the code of the step.

    Raises UserError for less than one batch.
    """
    network = Network.from_config(options.network, data.front_end.n_bands, len(data.tracks.classes))
    train, validation = _load(options, data, files.fold, network.frames)
    _check(options, data.tracks, files.fold, train)
    start = donated(
        network.initial_weights(training.generator(options.seed, options.variant, files.fold, 0)),
        _donors(options, files, data.tracks),
    )
    identity = Identity(
        variant=options.variant,
        fold=files.fold,
        seed=options.seed,
        network=options.network,
        training=options.training,
        validation=options.validation,
        sampling=options.sampling,
        level=train.segments.features.level,
        augmentation=options.augmentation,
        front_end=options.front_end.settings,
        classes=data.tracks.classes,
        engine=options.engine,
        digests={
            "code": code,
            "segments": [part.segments.digest() for part in (train, validation)],
            "labels": digest_of_arrays(train.labels, validation.labels),
            "start": digest_of_arrays(*start.values()),
        },
        device=device,
        versions={
            "python": platform.python_version(),
            "numpy": np.__version__,
            options.engine: engine_class(options.engine).VERSION,
        },
    )
    key = ModelKey.of(options.variant, files.fold, data.tracks)
    return FoldTraining(options, files, network, train, validation, start, identity, key)


def _load(
    options: argparse.Namespace, data: ExperimentData, number: int, n_frames: int
) -> tuple[Part, Part]:
    """The training and the validation segments.

    Validation segments are always contiguous, as in the paper.
    """
    fold = data.fold(number, n_frames)
    if options.validation == "segments":
        rest = fold.part("rest")
        # Independent of the variant: variants of one input length share their segments.
        rng = training.generator(options.seed, "validation", number, 0)
        chosen = split.validation_segments(len(rest.labels), data.tracks.n_folds, rng)
        return rest.of(~chosen), rest.of(chosen)
    hop = options.hop if options.sampling == "overlapping" else None
    return fold.part("train", hop, options.onsets), fold.part("validation")


def _check(options: argparse.Namespace, tracks: Tracks, fold: int, train: Part) -> None:
    """Raise UserError for less than one batch; print the classes that validation lacks."""
    batch_size = options.training["batch_size"]
    if len(train.labels) < batch_size:
        raise UserError(
            f"fold {fold} of {options.variant} has {len(train.labels)} training segments, "
            f"fewer than one batch of {batch_size}; lower training.batch_size or add tracks"
        )
    missing = tracks.lacking("validation").get(fold)
    if missing and options.validation == "tracks":
        print(
            f"note: the validation set of fold {fold} has no track of "
            f"{printable(listed(missing))}, so these classes do not count when the best epoch is "
            "chosen; add tracks, lower folds or change group_by",
            file=sys.stderr,
        )


def _donors(options: argparse.Namespace, files: FoldFiles, tracks: Tracks) -> dict[str, Weights]:
    """The weights of the donor of each trunk in `init` (trunk: variant)."""
    donors = zip(options.network["init"].items(), files.donors, strict=True)
    return {
        trunk: weights.read(npz, ModelKey.of(variant, files.fold, tracks))
        for (trunk, variant), npz in donors
    }
