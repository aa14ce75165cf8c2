"""What models decide of a track."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.audio.parameters import FRAME_RATE
from workflow_scripts.results.votes import combined_vote


@dataclass(frozen=True)
class Moment:
    """A stretch of a track, from `start` to `end` (seconds), and the probability of each class."""

    start: float
    end: float
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Prediction:
    """Of one track, over the `classes`: probabilities, shares of the votes, and the timeline.

    `order` has the positions of the classes, the one decided for first. A probability is the mean
    over the track's segments. `timeline` has the segments of the shortest input.
    """

    classes: tuple[str, ...]
    order: tuple[int, ...]
    probabilities: tuple[float, ...]
    vote_shares: tuple[float, ...]
    timeline: tuple[Moment, ...]

    @property
    def label(self) -> str:
        """The class decided for."""
        return self.classes[self.order[0]]

    @property
    def runner_up(self) -> str:
        """The class that comes next."""
        return self.classes[self.order[1]]

    def at(self, moment: Moment) -> str:
        """The class of that stretch by itself."""
        return self.classes[int(np.argmax(moment.probabilities))]


def predict(classes: Sequence[str], heard: Mapping[int, list[np.ndarray]]) -> Prediction:
    """From what each network hears, see `models.runtime.Ensemble.probabilities`."""
    networks = [probabilities for variants in heard.values() for probabilities in variants]
    order, shares, mean = combined_vote(networks)
    return Prediction(
        classes=tuple(classes),
        order=tuple(order.tolist()),
        probabilities=tuple(mean.astype(float).tolist()),
        vote_shares=tuple(shares.astype(float).tolist()),
        timeline=tuple(_timeline(heard)),
    )


def _timeline(heard: Mapping[int, list[np.ndarray]]) -> list[Moment]:
    """The segments of the shortest input; of longer ones the segment that covers its centre."""
    shortest = min(heard)
    moments = []
    for number in range(len(heard[shortest][0])):
        first = number * shortest
        covering = [
            probabilities[segment]
            for n_frames, networks in heard.items()
            for probabilities in networks
            if (segment := (first + shortest // 2) // n_frames) < len(probabilities)
        ]
        values = np.mean(covering, axis=0).astype(float)
        start, end = first / FRAME_RATE, (first + shortest) / FRAME_RATE
        moments.append(Moment(start, end, tuple(values.tolist())))
    return moments
