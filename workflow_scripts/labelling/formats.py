"""Labelled tracks as JSON, as CSV, and as text for people; one by one as they come."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from workflow_scripts.errors import printable
from workflow_scripts.labelling.label_tracks import Labelled

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
)


def details(track: Labelled) -> dict[str, Any]:
    """A track as its JSON object: path, and problem or all else.

    The path is as os.fsdecode has it; times are seconds from the start.
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
                "probability": round(max(moment.probabilities), 6),
            }
            for moment in prediction.timeline
        ],
    }


def as_json(tracks: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A list of the objects that `details` gives."""
    yield "["
    separator = "\n"
    for track in tracks:
        yield separator + json.dumps(track)
        separator = ",\n"
    yield "\n]\n"


def as_csv(tracks: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A row a track, see COLUMNS; the timeline as "start-end class; ...".

    Names are `printable`; those to the letter are in the JSON.
    """
    yield _row(COLUMNS)
    for track in tracks:
        stretches = "; ".join(
            f"{start:.1f}-{end:.1f} {name}" for start, end, name in _stretches(track)
        )
        values = dict(track) | {"timeline": stretches}
        yield _row([printable(str(values.get(column, ""))) for column in COLUMNS])


def as_text(tracks: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Two lines a track: the prediction, and when which class begins."""
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
        starts = [f"{clock(start)} {printable(name)}" for start, _, name in _stretches(track)]
        yield f"    {', '.join(starts)}\n"


FORMATS = {"text": as_text, "csv": as_csv, "json": as_json}


def _by_class(classes: Sequence[str], values: Sequence[float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in zip(classes, values, strict=True)}


def _stretches(track: Mapping[str, Any]) -> list[tuple[float, float, str]]:
    """The timeline as (start, end, class), neighbours of one class together."""
    runs: list[tuple[float, float, str]] = []
    for moment in track.get("timeline", ()):
        start = moment["start"]
        if runs and runs[-1][2] == moment["class"]:
            start = runs.pop()[0]
        runs.append((start, moment["end"], moment["class"]))
    return runs


def _row(values: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()


def clock(seconds: float) -> str:
    """Minutes and the nearest second."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
