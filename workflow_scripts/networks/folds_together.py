"""Train the folds of a job side by side, in one computation, each with its own files."""

import sys
from collections.abc import Sequence

import numpy as np

from workflow_scripts.dataset.memory_budget import MemoryBudget
from workflow_scripts.networks import side_by_side
from workflow_scripts.networks.engine import engine_class
from workflow_scripts.networks.fold_training import FoldTraining
from workflow_scripts.networks.side_by_side import Member
from workflow_scripts.networks.training import Progress
from workflow_scripts.networks.training_run import run_to_end


def fit(trainings: Sequence[FoldTraining]) -> list[Progress] | None:
    """Train all to their ends, each from its checkpoint on.

    The trainings are of one variant, without augmentation. None, with a note, if their segments do
    not fit in memory together, or if the device cannot compute even their first epoch together.
    """
    options = trainings[0].options
    inputs = _held(trainings, options.memory_mb)
    if inputs is None:
        print(
            f"note: the segments of {len(trainings)} folds do not fit in {options.memory_mb} MB, "
            "so they are trained one after another; --set-resources train:mem_mb=... gives more",
            file=sys.stderr,
        )
        return None
    runs = [training.run(f"fold {training.files.fold}, ") for training in trainings]
    members = [
        Member(
            (train, own.train.labels),
            (validation, own.validation.labels),
            own.generator,
            run.progress,
            own.class_weights(),
        )
        for (train, validation), own, run in zip(inputs, trainings, runs, strict=True)
    ]
    rounds = side_by_side.fit(
        engine_class(options.engine),
        trainings[0].network,
        members,
        trainings[0].settings,
        options.gpus > 0,
    )
    try:
        run_to_end(rounds, runs)
    # PyTorch raises it for lack of GPU memory too, and for what its CUDA graphs do not support.
    except RuntimeError as failure:
        if any(run.has_new_epochs for run in runs):
            raise
        reason, *_ = str(failure).splitlines() or [repr(failure)]
        print(
            f"note: the folds cannot be trained side by side on this device ({reason}), so they "
            "are trained one after another",
            file=sys.stderr,
        )
        return None
    return [run.progress for run in runs]


def _held(
    trainings: Sequence[FoldTraining], memory_mb: int
) -> list[tuple[np.ndarray, np.ndarray]] | None:
    """The training and validation segments of each; None if they do not all fit in memory."""
    memory = MemoryBudget(memory_mb)
    inputs = []
    for own in trainings:
        train, validation = (memory.hold(part.segments) for part in (own.train, own.validation))
        if not (isinstance(train, np.ndarray) and isinstance(validation, np.ndarray)):
            return None
        inputs.append((train, validation))
    return inputs
