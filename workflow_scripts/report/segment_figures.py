"""Spectrograms of segments, with the place where a filter responds most."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.interpretation.clips import Clip
from workflow_scripts.report.palette import DARK_TEXT, LIGHT_TEXT

# Width in inches: the page shows these figures in columns, beside the players.
WIDTH = 4.4
# Mel bands whose frequencies the axis shows.
N_TICKS = 5


def spectrograms(clips: Sequence[Clip], hertz: np.ndarray, front_end: FrontEnd) -> Figure:
    """The spectrograms of a filter's clips side by side; `hertz` are the centres of the bands."""
    frame_rate = front_end.frame_rate
    figure = Figure(figsize=(WIDTH, 2.2), layout="constrained")
    panels = figure.subplots(1, len(clips), sharey=True, squeeze=False)[0]
    highest = max(float(clip.energies.max()) for clip in clips) or 1.0
    for axes, clip in zip(panels, clips, strict=True):
        start = clip.start(frame_rate)
        n_bands, n_frames = clip.energies.shape
        end = start + n_frames / frame_rate
        image = axes.imshow(
            clip.energies,
            origin="lower",
            aspect="auto",
            extent=(start, end, 0, n_bands),
            cmap="viridis",
            vmin=0,
            vmax=highest,
            interpolation="nearest",
        )
        (band, frame), (m, n) = clip.place, clip.shape
        # White on black is visible on every colour of the spectrogram.
        for colour, width in ((DARK_TEXT, 1.8), (LIGHT_TEXT, 0.8)):
            axes.add_patch(
                Rectangle(
                    (start + frame / frame_rate, band),
                    *(n / frame_rate, m),
                    fill=False,
                    clip_on=False,
                    edgecolor=colour,
                    linewidth=width,
                )
            )
        axes.set_xlim(start, end)
        axes.set_ylim(0, n_bands)
        axes.set_xlabel("seconds of the track")
        axes.grid(False)
    ticks = np.linspace(0, len(hertz) - 1, min(N_TICKS, len(hertz))).round().astype(int)
    panels[0].set_yticks(ticks + 0.5, [f"{hertz[tick]:.0f}" for tick in ticks])
    panels[0].set_ylabel("Hz")
    bar = figure.colorbar(image, ax=panels, pad=0.01, fraction=0.04, aspect=25)
    bar.set_label("energy" if front_end.compression is None else "log energy")
    bar.outline.set_visible(False)
    return figure
