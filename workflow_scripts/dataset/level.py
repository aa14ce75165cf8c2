"""The recording level of a track, and its normalisation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.audio.silence import n_filled

AS_RECORDED, NORMALISED = "as_recorded", "normalised"
# The level of all tracks after normalisation, -30 dB. That of the demo is -39 to -31 dB.
TARGET = 1e-3
# The share of the training tracks whose level is outside their range, on either side.
OUTLIERS = 0.01
# Levels of float32 energies are within this, on either side of 0.
MOST_DECIBELS = 1000


def level_of(energies: np.ndarray, silent: np.ndarray, front_end: FrontEnd) -> float:
    """The mean of raw mel energies (frames, bands) outside silences; 0 for a silent track.

    `silent`, bool (frames,), are the frames in silences. Bands that a constant offset may fill do
    not count: band 0 with the paper's front end. A gain of g dB changes the level by g dB.
    """
    sound = energies[~silent, n_filled(front_end) :]
    return float(sound.mean(dtype=np.float64)) if len(sound) else 0.0


def normalising_gain(level: float) -> np.float32:
    """The factor that brings energies of this level to TARGET; 1 for a silent track."""
    return np.float32(TARGET / level if level > 0 else 1)


def in_db(level: float | np.ndarray) -> np.ndarray:
    """A level in dB, relative to a mean energy of 1."""
    return 10 * np.log10(level)


@dataclass(frozen=True)
class TrainingLevel:
    """The level of the tracks that a model was trained on.

    `input` is AS_RECORDED or NORMALISED, as `level` in config.yaml. `lowest` and `highest` are
    levels in dB before normalisation: all training tracks except OUTLIERS on either side.
    """

    input: str
    lowest: float
    highest: float

    @classmethod
    def of(cls, input_level: str, levels: np.ndarray) -> "TrainingLevel":
        """The range of the `levels` (tracks,) of training tracks."""
        decibels = in_db(levels)
        lowest = np.quantile(decibels, OUTLIERS, method="lower")
        highest = np.quantile(decibels, 1 - OUTLIERS, method="higher")
        return cls(input_level, round(float(lowest), 2), round(float(highest), 2))

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "TrainingLevel":
        """The level in `values`, as `asdict` returns it. Raises ValueError if it is invalid."""
        level = cls(**values)
        if level.input not in (AS_RECORDED, NORMALISED):
            raise ValueError("unknown input level")
        for decibels in (level.lowest, level.highest):
            if type(decibels) not in (int, float) or not abs(decibels) <= MOST_DECIBELS:
                raise ValueError("the range of levels is not two numbers")
        if level.lowest > level.highest:
            raise ValueError("the range of levels is empty")
        return level

    def together(self, other: "TrainingLevel") -> "TrainingLevel":
        """The range of both, of the same input."""
        return TrainingLevel(
            self.input, min(self.lowest, other.lowest), max(self.highest, other.highest)
        )

    def warning(self, level: float) -> str:
        """Why a track of this level differs from the training tracks; empty if it does not."""
        decibels = round(float(in_db(level)), 2)
        if self.input == NORMALISED or self.lowest <= decibels <= self.highest:
            return ""
        side = "below" if decibels < self.lowest else "above"
        return (
            f"its level of {decibels:.1f} dB is {side} that of the training tracks, "
            f"{self.lowest:.1f} to {self.highest:.1f} dB"
        )
