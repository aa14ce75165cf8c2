"""How long the trainings of a run take: from arithmetic first, from their epochs as they come."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import mean, median

from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.forecast import epochs_left, expected_share, seconds_an_epoch
from workflow_scripts.networks.fourier import multiplications
from workflow_scripts.networks.training import Epoch, Settings

# On one thread of a common processor (docs/performance.md): seconds of a step besides its
# arithmetic, of a multiplication in a segment's step, of the update of a parameter.
STEP, MULTIPLICATION, PARAMETER = 0.6e-3, 4e-11, 1.4e-9
# The share of a step's multiplications that a prediction needs: no gradients.
PREDICTION = 1 / 3
# Seconds of a training besides its epochs, if none of this run has ended.
START = 5.0


def step_seconds(network: Network, batch_size: int) -> float:
    """A rough duration of a training step. Only ratios between networks matter for long."""
    n = multiplications(network)
    return STEP + batch_size * n * MULTIPLICATION + network.n_parameters() * PARAMETER


def prediction_seconds(network: Network) -> float:
    """A rough duration of the prediction of a segment, as `step_seconds`."""
    return multiplications(network) * MULTIPLICATION * PREDICTION


@dataclass(frozen=True)
class Ended:
    """An ended training: its epochs, and the seconds of one; those of the job besides epochs."""

    variant: str
    n_epochs: int
    epoch_seconds: float
    start: float


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
        self._ended: list[Ended] = []
        self._running: dict[str, list[float]] = {}

    def observe(self, running: Iterable[tuple[str, list[Epoch]]]) -> None:
        """Take the variants and the epochs of the running trainings as they are now."""
        self._rough = self._rough or self._arithmetic()
        self._running = {}
        for variant, epochs in running:
            if epochs:
                self._running.setdefault(variant, []).append(seconds_an_epoch(epochs))

    def end(self, ended: Ended) -> None:
        """Take an ended training."""
        self._ended.append(ended)

    def has_weights(self) -> bool:
        """Whether the work of trainings is known, relative to each other."""
        return self._rough is not None

    def is_measured(self) -> bool:
        """Whether the pace of this machine is known too, from any epoch."""
        return self.has_weights() and bool(self._measured())

    def epoch(self, variant: str) -> float:
        """Seconds of an epoch of a variant."""
        measured = self._measured()
        if variant in measured:
            return measured[variant]
        rough = self._rough or {}
        scale = median([measured[name] / rough[name] for name in measured if name in rough] or [1])
        return scale * rough.get(variant, 1.0)

    def left(self, variant: str, epochs: list[Epoch], elapsed: float | None = None) -> float:
        """Seconds that a training with these epochs still takes; `elapsed` since it started."""
        settings = self._settings[variant]
        shares = [
            (ended.variant, ended.n_epochs / self._settings[ended.variant].max_epochs)
            for ended in self._ended
        ]
        share = expected_share(variant, shares)
        left = epochs_left(epochs, settings, share) * self.epoch(variant)
        start = mean(ended.start for ended in self._ended) if self._ended else START
        has_begun = elapsed is not None and bool(epochs)
        return left + (0.0 if has_begun else max(start - (elapsed or 0.0), 0.0))

    def _measured(self) -> dict[str, float]:
        paces = {variant: [*seconds] for variant, seconds in self._running.items()}
        for ended in self._ended:
            paces.setdefault(ended.variant, []).append(ended.epoch_seconds)
        return {variant: mean(seconds) for variant, seconds in paces.items()}
