"""Whether trainings that `max_epochs` stopped had converged, from their validation curves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.results import students_t

# Curves are compared by quarters. With fewer epochs a quarter has less than three, too few to
# estimate how much the accuracy scatters from epoch to epoch.
SHORTEST = 12
# A mean rise from the third to the last quarter of the epochs that matters, in points: differences
# between networks of a table are of this order.
RELEVANT = 1.0
# A rise must also be significant at this level, so that noise is no rise. It is stricter than usual
# because each of many networks is tested.
STRICT_LEVEL = 0.02


@dataclass(frozen=True)
class Convergence:
    """What the validation curves of the trainings of one network say.

    `n_trainings` are all of them, `n_short` those stopped by max_epochs before SHORTEST epochs.
    `rise` is the mean over all trainings of the rise of the validation accuracy from the third to
    the last quarter of the epochs, in points, and `p` the p-value of a one-sided t-test of it. Of
    the longer trainings that max_epochs stopped, `n_rising` rose by more than RELEVANT or had their
    best epoch last, `n_best_last` had their best epoch last.
    """

    n_trainings: int
    n_short: int
    rise: float
    p: float
    n_rising: int
    n_best_last: int

    @property
    def is_rising(self) -> bool:
        """Whether the network would gain from more epochs.

        Its curves rise, or most of its trainings have their best epoch last, which flat curves of
        n epochs have once in n trainings. The mean counts, not a single training, because a table
        compares means.
        """
        rises = self.rise > RELEVANT and self.p < STRICT_LEVEL
        return rises or 2 * self.n_best_last > self.n_trainings

    @property
    def converged(self) -> bool:
        """Whether the curves show that training was long enough."""
        return not self.n_short and not self.is_rising


def convergence(curves: Sequence[np.ndarray], stopped: Sequence[bool]) -> Convergence:
    """The convergence of a network from the validation accuracies of its trainings.

    `curves` are float (epochs,), 0 to 1, one for each training; `stopped` says which trainings
    ended because of `max_epochs`. The others ended because the learning rate had fallen below its
    minimum: the protocol's own sign that the training loss falls no more. They count as flat.
    """
    rises, variances, n_best_last, n_rising, freedom = [], [], 0, 0, 0
    cut = [100 * curve for curve, by_limit in zip(curves, stopped, strict=True) if by_limit]
    long_enough = [curve for curve in cut if len(curve) >= SHORTEST]
    for curve in long_enough:
        rise, variance = rise_of(curve)
        is_last = int(curve.argmax()) == len(curve) - 1
        rises.append(rise)
        variances.append(variance)
        n_best_last += is_last
        # Of the variances of two quarters.
        freedom += 2 * (len(curve) // 4 - 1)
        n_rising += is_last or rise > RELEVANT
    return Convergence(
        n_trainings=len(curves),
        n_short=len(cut) - len(long_enough),
        rise=sum(rises) / len(curves),
        p=_p(sum(rises), sum(variances), freedom),
        n_rising=n_rising,
        n_best_last=n_best_last,
    )


def _p(rise: float, variance: float, freedom: int) -> float:
    if variance == 0:
        return float(rise <= 0)
    return students_t.above(rise / np.sqrt(variance), freedom)


def rise_of(curve: np.ndarray) -> tuple[float, float]:
    """The mean of the last quarter minus that of the quarter before, and its variance."""
    quarter = len(curve) // 4
    last, before = curve[-quarter:], curve[-2 * quarter : -quarter]
    variance = (last.var(ddof=1) + before.var(ddof=1)) / quarter
    return float(last.mean() - before.mean()), float(variance)
