"""Texts about the spectrograms of segments that filters respond to most."""

from collections.abc import Sequence

import numpy as np

from workflow_scripts.interpretation.clips import Clip


def figure_name(number: int) -> str:
    """The name of the figure of the filter of this position on the page."""
    return f"segments-{number:02d}"


def finding(clips: Sequence[Clip], hertz: np.ndarray, frame_rate: float) -> str:
    """Where the filter responds most in each clip; `hertz` are the centres of the bands."""
    m, n = clips[0].shape
    bands = {clip.place[0] for clip in clips}
    places = " and ".join(
        f"{clip.start(frame_rate) + clip.place[1] / frame_rate:.2f} s" for clip in clips
    )
    low = min(bands)
    high = min(max(bands) + m, len(hertz)) - 1
    around = (
        f"about {hertz[low]:.0f} Hz" if low == high else f"{hertz[low]:.0f} to {hertz[high]:.0f} Hz"
    )
    return (
        f"The filter covers {m} mel band{'s' if m > 1 else ''} and {n / frame_rate:.2f} s. It "
        f"responds most from {places} on, at {around}."
    )
