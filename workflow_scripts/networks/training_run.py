"""Run a training: show its epochs, write checkpoints, stop on a signal."""

from collections.abc import Iterator

from workflow_scripts.errors import UserError
from workflow_scripts.interruption import ignore_signals, raise_if_stopped
from workflow_scripts.networks.checkpoint import Checkpoint
from workflow_scripts.networks.display import Display
from workflow_scripts.networks.training import DivergedError, Progress


def run_to_end(
    epochs: Iterator[Progress], progress: Progress, checkpoint: Checkpoint, display: Display
) -> Progress:
    """Run all `epochs` (`training.fit`), which start from `progress`; return the last progress.

    The checkpoint is written at intervals, when a signal stops the training, and at the end, so
    that no epoch is repeated, even with a higher `max_epochs`. Afterwards signals are ignored while
    the caller writes the model.

    Raises UserError if the loss is not finite, KeyboardInterrupt on a signal.
    """
    n_done = len(progress.history)
    with display:
        try:
            for progress in epochs:
                raise_if_stopped()
                display.show(progress.history[-1])
                checkpoint.write_if_due(progress)
        except DivergedError as reason:
            raise UserError(
                f"training {display.title} diverged: {reason}; lower training.learning_rate"
            ) from None
        except KeyboardInterrupt:
            ignore_signals()
            if progress.history:
                checkpoint.write(progress)
            raise
    ignore_signals()
    if len(progress.history) > n_done:
        checkpoint.write(progress)
    return progress
