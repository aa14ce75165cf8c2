"""Run trainings: show their epochs, write checkpoints, stop on a signal."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from workflow_scripts.errors import UserError
from workflow_scripts.interruption import ignore_signals, note_signals, raise_if_stopped
from workflow_scripts.networks.checkpoint import Checkpoint
from workflow_scripts.networks.display import Display
from workflow_scripts.networks.training import DivergedError, Progress

# What one more epoch of a training gives; None if it had ended before.
Outcome = Progress | DivergedError | None


class FoldRun:
    """The run of one training, from `progress` on: shows its epochs and writes its checkpoint.

    The checkpoint is written at intervals and by `save`.
    """

    def __init__(self, progress: Progress, checkpoint: Checkpoint, display: Display) -> None:
        self.progress, self.display = progress, display
        self._checkpoint = checkpoint
        self._n_before = len(progress.history)

    def take(self, outcome: Outcome) -> None:
        """Take what came of an epoch. Raises UserError if the loss is not finite."""
        if isinstance(outcome, DivergedError):
            raise UserError(
                f"training {self.display.title} diverged: {outcome}; lower training.learning_rate"
            )
        if outcome is not None:
            self.progress = outcome
            self.display.show(outcome.history[-1])
            self._checkpoint.write_if_due(outcome)

    @property
    def has_new_epochs(self) -> bool:
        """Whether there are epochs since the start of the run."""
        return len(self.progress.history) > self._n_before

    def save(self) -> None:
        """Write the checkpoint, if there are new epochs."""
        if self.has_new_epochs:
            self._checkpoint.write(self.progress)


def alone(epochs: Iterator[Progress]) -> Iterator[list[Outcome]]:
    """The epochs of one training (`training.fit`), as `run_to_end` takes those of several."""
    try:
        for progress in epochs:
            yield [progress]
    except DivergedError as reason:
        yield [reason]


def run_to_end(rounds: Iterator[Sequence[Outcome]], runs: Sequence[FoldRun]) -> None:
    """Run trainings to their ends. `rounds` has what came of an epoch of each.

    Checkpoints are also written when a signal or the divergence of one training stops all, and at
    the end, so that no epoch is repeated, even with a higher `max_epochs`. Afterwards signals are
    noted while the caller writes the models.

    Raises UserError if a loss is not finite, KeyboardInterrupt on a signal.
    """
    with ExitStack() as displays:
        for run in runs:
            displays.enter_context(run.display)
        try:
            for outcomes in rounds:
                raise_if_stopped()
                for run, outcome in zip(runs, outcomes, strict=True):
                    run.take(outcome)
        except (KeyboardInterrupt, UserError):
            ignore_signals()
            for run in runs:
                run.save()
            raise
    note_signals()
    for run in runs:
        run.save()
