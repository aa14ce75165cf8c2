"""How long a training will still take, from its epochs and from trainings that have ended."""

from collections.abc import Iterable, Sequence
from statistics import mean

from workflow_scripts.networks.training import Epoch, Settings, lowest_rate, rate_after

# The share of `max_epochs` after which a training ends if none has ended yet: halfway between an
# early end, by the smallest learning rate, and the limit. It counts as one ended training.
PRIOR = 0.5
# The last epochs say how fast a training is now.
RECENT = 20


def least_epochs_left(history: Sequence[Epoch], settings: Settings) -> int:
    """The number of epochs still to come if the training loss never falls again."""
    rate = rate_after((epoch.train_loss for epoch in history), settings)
    lowest, most = lowest_rate(settings), settings.max_epochs - len(history)
    left = 0
    while left < most and rate.rate >= lowest:
        rate.update(float("inf"))
        left += 1
    return left


def epochs_left(history: Sequence[Epoch], settings: Settings, share: float) -> float:
    """The expected number of epochs still to come.

    `share` of the maximum is expected for the whole training, but never less than what the learning
    rate still needs to fall.
    """
    expected = share * settings.max_epochs - len(history)
    return max(expected, least_epochs_left(history, settings))


def expected_share(variant: str, ended: Iterable[tuple[str, float]]) -> float:
    """The expected share of `max_epochs` that a training of `variant` needs, 0 to 1.

    `ended` has the variant and the share of each ended training. The mean of all of them and of
    PRIOR counts as one more training of the variant.
    """
    pairs = [*ended]
    of_all = mean([PRIOR, *(share for _, share in pairs)])
    return mean([of_all, *(share for name, share in pairs if name == variant)])


def seconds_an_epoch(history: Sequence[Epoch]) -> float:
    """Seconds of a recent epoch. Raises StatisticsError if there is none."""
    return mean(epoch.seconds for epoch in history[-RECENT:])
