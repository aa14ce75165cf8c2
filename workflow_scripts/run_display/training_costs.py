"""How long the trainings of a run take: from arithmetic first, from their epochs as they come."""

from collections.abc import Callable, Iterable, Mapping
from statistics import mean, median

from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.forecast import epochs_left, expected_share, seconds_an_epoch
from workflow_scripts.networks.fourier import multiplications
from workflow_scripts.networks.training import Epoch, Settings
from workflow_scripts.run_display.running_trainings import Result

# On one thread of a common processor (docs/performance.md): seconds of a step besides its
# arithmetic, of a multiplication in a segment's step, of the update of a parameter.
STEP, MULTIPLICATION, PARAMETER = 0.6e-3, 4e-11, 1.4e-9
# The share of a step's multiplications that a prediction needs: no gradients.
PREDICTION = 1 / 3
# Seconds of a job of trainings besides their epochs, if none of this run has ended.
START = 5.0
# Other work on the machine comes and goes: of ended trainings, the last ones say how fast it is.
LAST = 3


def step_seconds(network: Network, batch_size: int) -> float:
    """A rough duration of a training step. Only ratios between networks matter for long."""
    n = multiplications(network)
    return STEP + batch_size * n * MULTIPLICATION + network.n_parameters() * PARAMETER


def prediction_seconds(network: Network) -> float:
    """A rough duration of the prediction of a segment, as `step_seconds`."""
    return multiplications(network) * MULTIPLICATION * PREDICTION


class TrainingCosts:
    """The seconds that trainings still take.

    `settings` are those of each variant's training. `arithmetic` returns the rough seconds of an
    epoch of each variant, None as long as the data are not known.
    """

    def __init__(
        self,
        settings: Mapping[str, Settings],
        arithmetic: Callable[[], Mapping[str, float] | None],
    ) -> None:
        self._settings, self._arithmetic = settings, arithmetic
        self._rough: Mapping[str, float] | None = None
        self._ended: list[tuple[str, Result]] = []
        self._starts: list[float] = []
        self._running: dict[str, list[float]] = {}
        # By variant, as long as nothing new is known.
        self._shares: dict[str, float] = {}
        self._epochs: dict[str, float] = {}
        self._whole: dict[str, float] = {}

    def observe(self, running: Iterable[tuple[str, list[Epoch]]]) -> None:
        """Take the variants and the epochs of the running trainings as they are now."""
        self._rough = self._rough or self._arithmetic()
        self._running = {}
        for variant, epochs in running:
            if epochs:
                self._running.setdefault(variant, []).append(seconds_an_epoch(epochs))
        self._forget()

    def end(self, variant: str, result: Result) -> None:
        """Take how a training has ended."""
        self._ended.append((variant, result))
        self._forget()

    def end_job(self, start: float) -> None:
        """Take the seconds of an ended job besides those of its epochs."""
        self._starts.append(start)

    def has_weights(self) -> bool:
        """Whether the work of trainings is known, relative to each other."""
        return self._rough is not None

    def is_measured(self) -> bool:
        """Whether the pace of this machine is known too, from any epoch."""
        return self.has_weights() and bool(self._running or self._ended)

    def epoch(self, variant: str) -> float:
        """Seconds of an epoch of a variant."""
        if variant not in self._epochs:
            self._epochs[variant] = self._epoch(variant)
        return self._epochs[variant]

    def share(self, variant: str) -> float:
        """The share of `max_epochs` that a training of a variant is expected to need."""
        if variant not in self._shares:
            ended = [
                (name, result.n_epochs / self._settings[name].max_epochs)
                for name, result in self._ended
            ]
            self._shares[variant] = expected_share(variant, ended)
        return self._shares[variant]

    def left(self, variant: str, epochs: list[Epoch]) -> float:
        """Seconds of the epochs that a training with these epochs still needs."""
        if epochs:
            return self._needed(variant, epochs)
        # Most trainings of a large run have no epochs yet.
        if variant not in self._whole:
            self._whole[variant] = self._needed(variant, [])
        return self._whole[variant]

    def start(self) -> float:
        """Seconds of a job of trainings besides those of its epochs."""
        return mean(self._starts) if self._starts else START

    def _epoch(self, variant: str) -> float:
        own = self._running.get(variant) or self._paces(variant)[-LAST:]
        if own:
            return mean(own)
        rough = self._rough or {}
        ratios = [
            seconds / rough[name]
            for name, paces in self._running.items()
            if name in rough
            for seconds in paces
        ]
        ratios += [
            result.epoch_seconds / rough[name]
            for name, result in self._ended[-LAST:]
            if name in rough
        ]
        return median(ratios or [1]) * rough.get(variant, 1.0)

    def _paces(self, variant: str) -> list[float]:
        return [result.epoch_seconds for name, result in self._ended if name == variant]

    def _needed(self, variant: str, epochs: list[Epoch]) -> float:
        left = epochs_left(epochs, self._settings[variant], self.share(variant))
        return left * self.epoch(variant)

    def _forget(self) -> None:
        self._shares, self._epochs, self._whole = {}, {}, {}
