"""Figures of filters: tempi of temporal filters, shapes of spectral filters."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, StrMethodFormatter

from workflow_scripts.report.figures import WIDTH
from workflow_scripts.report.palette import BLUE, ORANGE, RED
from workflow_scripts.report.svg import INK, text_of_name

# Number of the strongest spectral filters that a figure shows.
N_SHAPES = 8
COLUMNS = 4
# Characters of a name above a filter.
LONGEST_TITLE = 16
BINS = np.arange(40, 271, 10)


def tempi(of_filters: Mapping[str, np.ndarray], of_tracks: np.ndarray | None) -> Figure:
    """Histograms of the tempi of each variant's temporal filters and of the tracks.

    All tempi are in BPM. `of_filters` has NaN for filters without a tempo; `of_tracks` is None if
    the tempi of the tracks are unknown.
    """
    figure = Figure(figsize=(WIDTH, 1.3 * len(of_filters) + 0.5), layout="constrained")
    rows = np.atleast_1d(figure.subplots(len(of_filters), 1, sharex=True))
    for axes, (variant, values) in zip(rows, of_filters.items(), strict=True):
        known = values[~np.isnan(values)]
        axes.hist(known, BINS, weights=_shares(known), color=BLUE)
        if of_tracks is not None:
            axes.hist(
                *(of_tracks, BINS),
                weights=_shares(of_tracks),
                histtype="step",
                color=RED,
                linewidth=1.5,
            )
        outline = "; line: tracks" if of_tracks is not None else ""
        have = f"{len(known)} of {len(values)} filters have a tempo"
        axes.set_title(f"{text_of_name(variant)}: {have} (bars{outline})")
        axes.set_ylabel("%")
    rows[-1].set_xlabel("BPM")
    return figure


def _shares(values: np.ndarray) -> np.ndarray:
    return np.full(len(values), 100 / max(len(values), 1))


def tempo_maps(table: pd.DataFrame, spectra: Mapping[str, np.ndarray]) -> Figure:
    """Responses to pulses and modulation spectra of one variant's temporal filters, by tempo.

    `table` and `spectra` are written by the step interpret.
    """
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    order = np.argsort(table["tempo"].to_numpy()[spectra["response_rows"]], kind="stable")
    responses = spectra["responses"][order]
    by_row = dict(zip(spectra["modulation_rows"], spectra["modulation"], strict=True))
    modulation = np.stack([by_row[row] for row in spectra["response_rows"][order]])
    modulation = modulation / np.maximum(modulation.max(axis=1, keepdims=True), 1e-12)
    _map(left, responses, spectra["bpm"], "Response to pulses", "response")
    _map(
        right,
        modulation,
        spectra["modulation_bpm"],
        "Modulation spectrum",
        "share of the filter's maximum",
    )
    left.set_ylabel("filters, by tempo")
    return figure


def _map(axes: Axes, values: np.ndarray, bpm: np.ndarray, title: str, unit: str) -> None:
    low, high = np.quantile(values, [0.02, 0.98])
    image = axes.imshow(
        values,
        aspect="auto",
        extent=(bpm[0], bpm[-1], len(values), 0),
        cmap="viridis",
        vmin=low,
        vmax=high,
        interpolation="nearest",
    )
    axes.set_title(title)
    axes.set_xlabel("BPM")
    axes.set_yticks([])
    axes.grid(False)
    bar = axes.figure.colorbar(image, ax=axes, pad=0.02, fraction=0.05, aspect=30, extend="both")
    bar.set_label(unit)


def strongest(table: pd.DataFrame) -> pd.DataFrame:
    """The N_SHAPES strongest filters with a position, the strongest first."""
    return table.dropna(subset="offset").nlargest(N_SHAPES, "strength")


def spectral_shapes(chosen: pd.DataFrame, weight: np.ndarray, hertz: np.ndarray) -> Figure:
    """Spectral filters of one model, where they are most active, grouped by most affected class.

    `chosen` has one row per filter, `weight` is (filters, m, 1), `hertz` are the centres of the
    bands.
    """
    shown = chosen.sort_values(["most_affected_class", "strength"], ascending=[True, False])
    n_rows = -(-len(shown) // COLUMNS)
    height = 1.35 * n_rows + 0.4
    figure = Figure(figsize=(WIDTH, height))
    grid = figure.subplots(n_rows, COLUMNS, sharex=True, sharey=True, squeeze=False)
    # Quicker than a layout that measures every text.
    figure.subplots_adjust(
        *(0.1, 0.5 / height, 0.99, 1 - 0.25 / height),
        *(0.12, 0.35),
    )
    for axes in grid.flat[len(shown) :]:
        axes.set_visible(False)
    for axes, row in zip(grid.flat, shown.to_dict("records"), strict=False):
        shape = weight[int(row["filter"]), :, 0]
        first = int(row["offset"])
        axes.fill_between(hertz[first : first + len(shape)], shape, color=ORANGE, linewidth=0)
        axes.axhline(0, color=INK, linewidth=0.5)
        affected = text_of_name(row["most_affected_class"], LONGEST_TITLE)
        axes.set_title(f"{affected} ({row['gain']:.2f})", fontsize=8)
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
        # The default formatter of a logarithmic axis needs mathtext.
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    figure.supxlabel("Hz", fontsize=9)
    figure.supylabel("weight", fontsize=9)
    return figure
