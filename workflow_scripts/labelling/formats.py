"""Labelled tracks as JSON, CSV and text, formatted one by one."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from workflow_scripts.errors import printable
from workflow_scripts.labelling.label_tracks import Labelled
from workflow_scripts.labelling.prediction import Moment

COLUMNS = (
    "path",
    "class",
    "probability",
    "vote_share",
    "runner_up",
    "runner_up_probability",
    "runner_up_vote_share",
    "timeline",
    "problem",
    "warning",
)

# With these a spreadsheet begins a formula: https://owasp.org/www-community/attacks/CSV_Injection,
# and the wide forms that East Asian keyboards write. An apostrophe begins a text.
FORMULAS = tuple("=+-@\uff1d\uff0b\uff0d\uff20\t\r'")


def details(track: Labelled) -> dict[str, Any]:
    """The JSON object of a track: path and problem, or path and all other keys.

    The path is decoded as by os.fsdecode; times are in seconds from the start of the track. In
    silent moments of the timeline, class and probability are None. The warning may be empty.
    """
    prediction = track.prediction
    if prediction is None:
        return {"path": str(track.path), "problem": track.problem}
    first, second = prediction.order[:2]
    return {
        "path": str(track.path),
        "class": prediction.label,
        "probability": round(prediction.probabilities[first], 6),
        "vote_share": round(prediction.vote_shares[first], 6),
        "runner_up": prediction.runner_up,
        "runner_up_probability": round(prediction.probabilities[second], 6),
        "runner_up_vote_share": round(prediction.vote_shares[second], 6),
        "probabilities": _by_class(prediction.classes, prediction.probabilities),
        "vote_shares": _by_class(prediction.classes, prediction.vote_shares),
        "timeline": [
            {
                "start": round(moment.start, 3),
                "end": round(moment.end, 3),
                "class": prediction.at(moment),
                "probability": _highest(moment),
            }
            for moment in prediction.timeline
        ],
        "warning": prediction.warning,
    }


def as_json(tracks: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A JSON list of objects from `details`."""
    yield "["
    separator = "\n"
    for track in tracks:
        yield separator + json.dumps(track)
        separator = ",\n"
    yield "\n]\n"


def as_csv(tracks: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A header and a row per track (COLUMNS).

    The timeline is "start-end class; ..."; silent sections are "silent start-end".
    Texts are `printable` and `inert`; the JSON has the exact names.
    """
    yield _row(COLUMNS)
    for track in tracks:
        timeline = "; ".join(
            f"silent {start:.1f}-{end:.1f}" if name is None else f"{start:.1f}-{end:.1f} {name}"
            for start, end, name in _sections(track)
        )
        values = dict(track) | {"timeline": timeline}
        yield _row([inert(printable(str(values.get(column, "")))) for column in COLUMNS])


def as_text(tracks: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Two lines per track: the prediction, and the start of each section of one class.

    A third line has the warning, if there is one.
    """
    for track in tracks:
        path = printable(track["path"])
        if "problem" in track:
            yield f"{path}: not labelled: {printable(track['problem'])}\n"
            continue
        yield (
            f"{path}: {printable(track['class'])} (probability {track['probability']:.2f}, "
            f"{100 * track['vote_share']:.0f} % of the votes), then "
            f"{printable(track['runner_up'])} ({track['runner_up_probability']:.2f}, "
            f"{100 * track['runner_up_vote_share']:.0f} %)\n"
        )
        starts = [
            f"silent from {clock(start)}" if name is None else f"{clock(start)} {printable(name)}"
            for start, _, name in _sections(track)
        ]
        yield f"    {', '.join(starts)}\n"
        if track["warning"]:
            yield f"    warning: {printable(track['warning'])}\n"


FORMATS = {"text": as_text, "csv": as_csv, "json": as_json}


def inert(text: str) -> str:
    """`text`, after an apostrophe if a spreadsheet would compute it, or hide its apostrophe."""
    return f"'{text}" if text.lstrip().startswith(FORMULAS) else text


def _by_class(classes: Sequence[str], values: Sequence[float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in zip(classes, values, strict=True)}


def _highest(moment: Moment) -> float | None:
    return None if moment.probabilities is None else round(max(moment.probabilities), 6)


def _sections(track: Mapping[str, Any]) -> list[tuple[float, float, str | None]]:
    """The timeline as (start, end, class), with adjacent moments of one class merged.

    The class of silent sections is None.
    """
    sections: list[tuple[float, float, str | None]] = []
    for moment in track.get("timeline", ()):
        start = moment["start"]
        if sections and sections[-1][2] == moment["class"]:
            start = sections.pop()[0]
        sections.append((start, moment["end"], moment["class"]))
    return sections


def _row(values: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()


def clock(seconds: float) -> str:
    """A time as minutes and seconds, rounded to a second."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
