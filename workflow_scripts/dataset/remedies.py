"""What a user can do about tracks that cannot be used. Each advice leads to a run."""

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from workflow_scripts.dataset import bad_audio
from workflow_scripts.dataset.tracks import MIN_FOLDS, more_tracks, too_few
from workflow_scripts.errors import FEW, UserError, listed


def for_bad_audio(
    tracks: pd.DataFrame, bad: pd.Series, n_folds: int, inputs: Mapping[str, int] | None = None
) -> str:
    """What to do about the `bad` tracks; `bad` has a reason for each, indexed as `tracks`.

    `inputs` has the frames of a segment of each variant; with it, `tracks` has a column n_frames.
    """
    sizes = tracks.drop(bad.index)["label"].value_counts()
    advice = "fix or remove them, or skip them with on_bad_audio: skip"
    if problem := too_few(sizes, n_folds):
        advice = f"fix or replace them; without them, {problem}"
        if len(sizes) == tracks["label"].nunique() > 1 and (least := sizes.min()) >= MIN_FOLDS:
            advice += f", so on_bad_audio: skip also needs folds: {least}"
    if bad.str.startswith(bad_audio.TRUNCATED).any():
        advice += f"; on_bad_audio: {bad_audio.USE_TRUNCATED} uses truncated tracks as they are"
    return advice + for_short_tracks(tracks.loc[bad.index], inputs or {})


def for_short_tracks(bad: pd.DataFrame, inputs: Mapping[str, int]) -> str:
    """How to use those `bad` tracks that are too short for a variant; empty if there are none.

    `bad` has a column n_frames, 0 for tracks without features.
    """
    if not inputs:
        return ""
    frames = bad["n_frames"]
    short = frames[(frames > 0) & (frames < max(inputs.values()))]
    useful = short[short >= min(inputs.values())]
    advice = ""
    if len(useful):
        longer = [f"{name}: null" for name, n in inputs.items() if n > useful.min()]
        advice += (
            f"; {_tracks(len(useful))} too short for some variants only: leave those out with "
            f"variants: {{{', '.join(longer)}}}"
        )
    if useless := len(short) - len(useful):
        advice += (
            f"; {_tracks(useless)} too short for all variants: add variants with at most "
            f"{short.min()} input_frames and leave the others out"
        )
    return advice


def _tracks(n: int) -> str:
    return f"{n} tracks are" if n > 1 else "1 track is"


def check_remaining(
    tracks: pd.DataFrame, used: pd.DataFrame, reasons: pd.Series, n_folds: int, ways_out: str
) -> None:
    """Raise UserError if the `used` ones of `tracks` are too few for the folds.

    `reasons` has a reason for each skipped track; `ways_out` is appended to the sentence.
    """
    sizes = used["label"].value_counts()
    problem = too_few(sizes, n_folds)
    if problem and len(reasons):
        number = "all" if used.empty else f"{len(reasons)} of"
        problem += f": {number} {len(tracks)} tracks were skipped ({counted(reasons)})"
    if problem:
        raise UserError(f"{problem}; {more_tracks(sizes, n_folds)}{ways_out}")


def counted(reasons: pd.Series) -> str:
    """How many tracks have each reason, without what differs from track to track."""
    kinds = Counter(reason.partition(":")[0].partition(" of ")[0] for reason in reasons)
    return listed([f"{n} times: {kind}" for kind, n in kinds.most_common()], FEW)
