"""A picture of a track's class probabilities over time, as SVG."""

from html import escape
from pathlib import Path

import numpy as np

from workflow_scripts.atomic_files import atomic
from workflow_scripts.errors import printable
from workflow_scripts.labelling.formats import clock
from workflow_scripts.labelling.prediction import Prediction

# Sizes in pixels.
WIDTH, ROW, LABELS, TOP, BOTTOM = 900, 22, 170, 64, 58
# Characters, of about 7 pixels, that fit beside the rows, and in a line.
LONGEST_LABEL, LONGEST_LINE = 20, 110
# Longer timelines are averaged: a recording of hours has thousands of moments.
MOST_COLUMNS = 180
# Number of classes with a row, the most probable ones.
MOST_ROWS = 20
# Seconds between time marks: the first that gives at most MOST_TICKS is used.
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
MOST_TICKS = 12
LEGEND = "blue: probability of the class; outline: most probable class at that time; grey: silent"
STYLE = """\
text{font:13px system-ui,sans-serif;fill:#1a1a1a}.title{font-size:16px;font-weight:600}
.quiet{fill:#666}.paper{fill:#fff}.cell{fill:#1f5fa8}.silent{fill:#bbb}.chosen{fill:none;stroke:#d9480f;stroke-width:2}
"""


def write(path: Path, name: str, prediction: Prediction) -> None:
    """Write the picture: a row per class, shaded by probability, the most probable outlined."""
    with atomic(path) as partial:
        partial.write_text(drawing(name, prediction), encoding="utf-8")


def drawing(name: str, prediction: Prediction) -> str:
    """The SVG that `write` writes."""
    silent = np.full(len(prediction.classes), np.nan)
    values = np.array(
        [silent if m.probabilities is None else m.probabilities for m in prediction.timeline]
    )
    seconds = prediction.timeline[-1].end
    columns = np.array_split(values, min(len(values), MOST_COLUMNS))
    edges = np.cumsum([0, *map(len, columns)]) * (WIDTH - LABELS) / len(values) + LABELS
    shown = prediction.order[:MOST_ROWS]
    height = TOP + ROW * len(shown) + BOTTOM
    first = prediction.order[0]
    summary = (
        f"{prediction.label}: probability {prediction.probabilities[first]:.2f}, "
        f"{100 * prediction.vote_shares[first]:.0f} % of the votes; then {prediction.runner_up}"
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 20} {height}" '
        f'width="{WIDTH + 20}" height="{height}" role="img">',
        f"<title>{_text(name)}: {_text(summary)}</title><style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH + 20}" height="{height}"/>',
        f'<text class="title" x="12" y="24">{_short(name, LONGEST_LINE - 10)}</text>',
        f'<text class="quiet" x="12" y="46">{_short(summary, LONGEST_LINE)}</text>',
    ]
    for row, position in enumerate(shown):
        y = TOP + ROW * row
        label = prediction.classes[position]
        text = f"{_short(label, LONGEST_LABEL - 5)} {prediction.probabilities[position]:.2f}"
        parts.append(
            f'<text x="{LABELS - 10}" y="{y + 15}" text-anchor="end">'
            f"{text}<title>{_text(label)}</title></text>"
        )
    for left, right, column in zip(edges, edges[1:], columns, strict=False):
        sound = column[~np.isnan(column[:, 0])]
        if not len(sound):
            place = f'x="{left:.1f}" y="{TOP}" width="{right - left:.1f}"'
            parts.append(f'<rect class="silent" {place} height="{ROW * len(shown) - 2}"/>')
            continue
        mean = sound.mean(axis=0)
        for row, position in enumerate(shown):
            place = f'x="{left:.1f}" y="{TOP + ROW * row}" width="{right - left:.1f}"'
            shade = f'height="{ROW - 2}" fill-opacity="{mean[position]:.3f}"'
            parts.append(f'<rect class="cell" {place} {shade}/>')
        row = prediction.order.index(int(mean.argmax()))
        if row >= len(shown):
            continue
        place = (
            f'x="{left + 1:.1f}" y="{TOP + ROW * row + 1}" width="{max(right - left - 2, 1):.1f}"'
        )
        parts.append(f'<rect class="chosen" {place} height="{ROW - 4}"/>')
    step = next((s for s in STEPS if seconds / s <= MOST_TICKS), STEPS[-1])
    for tick in np.arange(0, seconds, step):
        x = LABELS + tick / seconds * (WIDTH - LABELS)
        y = height - BOTTOM + 18
        parts.append(
            f'<text class="quiet" x="{x:.1f}" y="{y}" text-anchor="middle">{clock(tick)}</text>'
        )
    n_classes = len(prediction.classes)
    legend = LEGEND if n_classes == len(shown) else f"{len(shown)} of {n_classes} classes; {LEGEND}"
    parts.append(f'<text class="quiet" x="{LABELS}" y="{height - 14}">{legend}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _short(name: str, longest: int) -> str:
    """The text, with at most this number of characters; the end is left out."""
    shown = printable(name)
    return escape(shown if len(shown) <= longest else f"{shown[: longest - 1]}…")


def _text(name: str) -> str:
    return escape(printable(name))
