"""The prediction of a track from the class probabilities of its segments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.dataset.silence import contiguous
from workflow_scripts.results.votes import combined_vote


@dataclass(frozen=True)
class Moment:
    """A section of a track, `start` to `end` in seconds, and the probability of each class.

    `probabilities` are None if the section is silent.
    """

    start: float
    end: float
    probabilities: tuple[float, ...] | None


@dataclass(frozen=True)
class Prediction:
    """The prediction of one track: probability and share of the votes of each class, timeline.

    `order` has the positions of the classes, the predicted class first. A probability is the mean
    over the track's segments with sound. `timeline` has a moment for each segment of the shortest
    input. `warning` says why the prediction may be less reliable; empty if nothing is known.
    """

    classes: tuple[str, ...]
    order: tuple[int, ...]
    probabilities: tuple[float, ...]
    vote_shares: tuple[float, ...]
    timeline: tuple[Moment, ...]
    warning: str = ""

    @property
    def label(self) -> str:
        """The predicted class."""
        return self.classes[self.order[0]]

    @property
    def runner_up(self) -> str:
        """The second class."""
        return self.classes[self.order[1]]

    def at(self, moment: Moment) -> str | None:
        """The most probable class at `moment`; None if it is silent."""
        if moment.probabilities is None:
            return None
        return self.classes[int(np.argmax(moment.probabilities))]


def predict(
    classes: Sequence[str],
    probabilities: Mapping[int, list[np.ndarray]],
    silent: np.ndarray,
    frame_rate: float,
    warning: str = "",
) -> Prediction:
    """Predict from the class probabilities that `models.runtime.Ensemble.probabilities` returns.

    `silent`, bool (frames,), are the frames in silences (`audio.silence.in_silence`); `frame_rate`
    is the number of frames per second. Silent segments do not vote; at least one of each input
    length has sound.
    """
    silences = {n_frames: contiguous(silent, n_frames) for n_frames in probabilities}
    networks = [
        network[~silences[n_frames]]
        for n_frames, networks in probabilities.items()
        for network in networks
    ]
    order, shares, mean = combined_vote(networks)
    return Prediction(
        classes=tuple(classes),
        order=tuple(order.tolist()),
        probabilities=tuple(mean.astype(float).tolist()),
        vote_shares=tuple(shares.astype(float).tolist()),
        timeline=tuple(_timeline(probabilities, silences, frame_rate)),
        warning=warning,
    )


def _timeline(
    probabilities: Mapping[int, list[np.ndarray]],
    silences: Mapping[int, np.ndarray],
    frame_rate: float,
) -> list[Moment]:
    """A moment for each segment of the shortest input: the mean over the networks.

    A network with a longer input contributes the segment that covers the centre of the shortest.
    `silences` are the silent segments of each length, bool (segments,).
    """
    shortest = min(probabilities)
    moments = []
    for number in range(len(probabilities[shortest][0])):
        first = number * shortest
        start, end = first / frame_rate, (first + shortest) / frame_rate
        if silences[shortest][number]:
            moments.append(Moment(start, end, None))
            continue
        covering = [
            network[segment]
            for n_frames, networks in probabilities.items()
            for network in networks
            if (segment := (first + shortest // 2) // n_frames) < len(network)
            and not silences[n_frames][segment]
        ]
        values = np.mean(covering, axis=0).astype(float)
        moments.append(Moment(start, end, tuple(values.tolist())))
    return moments
