"""The figure that answers the paper's question: accuracy against filter length and height."""

import textwrap
from collections.abc import Callable
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from workflow_scripts.report import line_labels
from workflow_scripts.report.answer import BOTH, FREQUENCY, POINT, RECTANGLE, TIME, Answer
from workflow_scripts.report.line_labels import Label
from workflow_scripts.report.palette import BLUE, DASHES, GREEN, GREY, ORANGE, PURPLE, RED
from workflow_scripts.report.svg import INK, text_of_name
from workflow_scripts.results.baselines import shown

COLOUR = {TIME: BLUE, FREQUENCY: ORANGE, BOTH: GREEN, RECTANGLE: PURPLE, POINT: RED}
MARKER = {TIME: "o", FREQUENCY: "s", BOTH: "D", RECTANGLE: "^", POINT: "v"}
# More points than this in a panel are not labelled one by one.
MOST_LABELS = 8
# Number of points in a panel up to which their labels are level.
MOST_LEVEL_LABELS = 4
# Number of other networks that are shown.
MOST_OTHERS = 6
LONGEST_NAME = 20
HEIGHT = 4.2


def answer(numbers: Answer) -> Figure:
    """Accuracies with their intervals by n and by m, beside other networks and baselines."""
    time, frequency = numbers.of_kind(TIME), numbers.of_kind(FREQUENCY)
    others = numbers.of_kind(BOTH, RECTANGLE, POINT)
    draw: list[tuple[Callable[[Axes], None], float]] = []
    if len(time):
        draw.append((lambda axes: _by_length(axes, time, numbers.front_end.frame_rate), 2.2))
    if len(frequency):
        draw.append((lambda axes: _by_height(axes, frequency, numbers.front_end.n_bands), 3))
    if len(others):
        width = 0.6 + 0.3 * min(len(others), MOST_OTHERS)
        draw.append((lambda axes: _others(axes, others), width))
    figure = Figure(figsize=(6.5, HEIGHT), layout="constrained")
    panels = figure.subplots(
        *(1, len(draw)),
        sharey=True,
        squeeze=False,
        gridspec_kw={"width_ratios": [width for _, width in draw]},
    )[0]
    lines = references(numbers)
    for axes, (panel, _) in zip(panels, draw, strict=True):
        axes.set_ylim(0, 100)
        for label in lines:
            axes.axhline(label.y, linewidth=1, zorder=1, color=label.colour, linestyle=label.dashes)
        panel(axes)
    panels[0].set_ylabel("Accuracy, %: mean and its 95 % interval")
    line_labels.beside(panels[-1], lines, (1.3, 0.72 * HEIGHT))
    return figure


def references(numbers: Answer) -> list[Label]:
    """The baselines and chance."""
    texts = [
        (row.accuracy_mean, f"{_wrapped(shown(row.name))} {row.accuracy_mean:.1f}", GREY)
        for row in numbers.baselines.itertuples(index=False)
    ]
    texts.append((numbers.chance, f"chance {numbers.chance:.1f}", INK))
    return [Label(*text, dashes) for text, dashes in zip(texts, cycle(DASHES[1:]), strict=False)]


def _wrapped(name: str) -> str:
    return "\n".join(textwrap.wrap(text_of_name(name), 17))


def _by_length(axes: Axes, networks: pd.DataFrame, frame_rate: float) -> None:
    _against(axes, networks, networks["n_frames"])
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda n, _: f"{n / frame_rate:.{_digits(n / frame_rate)}f} s\n{n:g}")
    )
    axes.set_xlabel("seconds, frames")
    _title(axes, "Time: filter length n")


def _by_height(axes: Axes, networks: pd.DataFrame, n_bands: int) -> None:
    _against(axes, networks, networks["m_bands"])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda m, _: f"{m:g}\n{100 * m / n_bands:.0f}"))
    axes.set_xlabel(f"mel bands, % of the {n_bands}")
    _title(axes, "Frequency: filter height m")


def _title(axes: Axes, text: str) -> None:
    """Put `text` above a title that the axes may have."""
    own = axes.get_title(loc="left")
    axes.set_title(f"{text}\n{own}" if own else text, fontsize=8 if own else None)


def _digits(seconds: float) -> int:
    return 1 if seconds >= 0.2 else 2


def _against(axes: Axes, networks: pd.DataFrame, sizes: pd.Series) -> None:
    """Points at their sizes; networks of the same size stand side by side."""
    distinct = np.unique(sizes)
    extent = float(np.ptp(distinct)) or max(float(distinct[0]), 1.0)
    repeats = networks.groupby(sizes).cumcount()
    counts = sizes.map(sizes.value_counts())
    crowd = min(0.5 * (np.diff(distinct).min(initial=extent)), 0.16 * extent)
    x = sizes + crowd * (repeats - (counts - 1) / 2) / np.maximum(counts, 2)
    _points(axes, networks, x)
    axes.set_xlim(distinct[0] - 0.12 * extent, distinct[-1] + 0.25 * extent)
    apart = len(distinct) <= MOST_LABELS and np.diff(distinct).min(initial=extent) > 0.12 * extent
    axes.xaxis.set_major_locator(FixedLocator(distinct) if apart else MaxNLocator(3, integer=True))
    if len(networks) <= MOST_LABELS and (counts == 1).all():
        for index, row in networks.iterrows():
            _label(axes, x[index], row, upright=len(networks) > MOST_LEVEL_LABELS)
    else:
        best = networks["accuracy_mean"].idxmax()
        accuracy = networks.loc[best, "accuracy_mean"]
        axes.set_title(f"best: {sizes[best]:g}, {accuracy:.1f} %", fontsize=8)


def _others(axes: Axes, networks: pd.DataFrame) -> None:
    best = networks["accuracy_mean"].nlargest(MOST_OTHERS).index
    chosen = networks[networks.index.isin(best)]
    x = pd.Series(np.arange(len(chosen), dtype=float), chosen.index)
    _points(axes, chosen, x)
    for index, row in chosen.iterrows():
        _label(axes, x[index], row)
    axes.set_xlim(-0.5, len(chosen) + 0.1)
    names = [text_of_name(name, LONGEST_NAME) for name in chosen["name"]]
    axes.set_xticks(x, names, rotation=65, ha="right", rotation_mode="anchor", fontsize=7.5)
    some = "" if len(chosen) == len(networks) else f"best {len(chosen)} of {len(networks)} "
    axes.set_title(f"{some}others".capitalize())


def _points(axes: Axes, networks: pd.DataFrame, x: pd.Series) -> None:
    for index, row in networks.iterrows():
        mean = row["accuracy_mean"]
        ends = [[mean - row["low"]], [row["high"] - mean]]
        colour = COLOUR[row["kind"]]
        axes.errorbar(
            *(x[index], mean),
            yerr=ends,
            fmt=MARKER[row["kind"]],
            color=colour,
            markersize=5,
            elinewidth=1.2 if len(networks) <= MOST_LABELS else 0.6,
            capsize=2.5,
            clip_on=False,
            zorder=3,
        )


def _label(axes: Axes, x: float, row: pd.Series, upright: bool = False) -> None:
    """The accuracy beside a point; an upright one needs less room before the next point."""
    axes.annotate(
        *(f"{row['accuracy_mean']:.1f}", (x, row["accuracy_mean"])),
        xytext=(4.5, 0),
        textcoords="offset points",
        va="center",
        rotation=90 if upright else 0,
        fontsize=7,
    )
