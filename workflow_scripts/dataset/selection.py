"""Select the tracks of an experiment: skip bad audio, handle replicas, form groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.audio.parameters import HOP_SIZE, SAMPLE_RATE
from workflow_scripts.dataset import bad_audio, replicas
from workflow_scripts.dataset.tracks import check_classes
from workflow_scripts.errors import UserError

SKIPPED_COLUMNS = ["track_id", "label", "path", "reason"]


@dataclass(frozen=True)
class Criteria:
    """How tracks are selected; `on_bad_audio`, `replicas` and `group_by` are as in config.yaml.

    `longest_input` is the longest segment of all variants, in frames. `ballroom`: the data set is
    Ballroom as published, so truncated files are used.
    """

    on_bad_audio: str
    replicas: str
    n_folds: int
    group_by: str
    longest_input: int
    ballroom: bool


@dataclass(frozen=True)
class Selection:
    """The tracks to use, and the skipped ones with their reasons (SKIPPED_COLUMNS).

    `groups` has the group name of each track, indexed as `used`: tracks of one group share a fold.
    It is None if every track may be in any fold.
    """

    used: pd.DataFrame
    groups: pd.Series | None
    skipped: pd.DataFrame


def select(
    tracks: pd.DataFrame, index: pd.DataFrame, pairs: pd.DataFrame, criteria: Criteria
) -> Selection:
    """Select from `tracks` (tracks.csv) by the results of the extraction in `index` (`read_index`).

    `pairs` is replicas.csv.

    Raises UserError for bad audio if `on_bad_audio` is "fail", and for tracks that cannot be
    spread over the folds.
    """
    tracks, problems = _examined(tracks, index)
    bad = reasons_to_skip(tracks, problems, criteria.longest_input, criteria.ballroom)
    if criteria.on_bad_audio == "fail":
        bad_audio.check(tracks, bad)
    # Before tracks are skipped, as they may link others.
    sets = pd.Series(replicas.name_sets(tracks["track_id"], pairs), index=tracks.index)
    used = tracks.drop(bad.index)

    superfluous = replicas.superfluous(used, replicas.together(sets[used.index]))
    if len(superfluous):
        print(_replicas_sentence(superfluous, criteria.replicas))
    if criteria.replicas == "drop":
        used = used.drop(superfluous.index)
        bad = pd.concat([bad, superfluous])
    check_classes(used, criteria.n_folds)
    skipped = tracks.loc[bad.index].assign(reason=bad)[SKIPPED_COLUMNS].sort_values("track_id")
    return Selection(used, _groups(used, sets[used.index], criteria), skipped)


def reasons_to_skip(
    tracks: pd.DataFrame, problems: np.ndarray, longest_input: int, published: bool
) -> pd.Series:
    """The reasons why tracks (track_id, n_frames) cannot be used, indexed as `tracks`.

    `problems` has the problem that extraction found in each track, empty if none, NaN if the file
    cannot be read. The archive of a `published` data set has been checked, so its truncated files
    are used.
    """
    reasons = pd.Series(problems, index=tracks.index, dtype=object).fillna(bad_audio.UNREADABLE)
    if published:
        truncated = reasons.str.startswith(bad_audio.TRUNCATED)
        for row, reason in reasons[truncated].items():
            print(
                f"note: {tracks['track_id'][row]} {reason}, as in the published archive; it is used"
            )
        reasons[truncated] = ""
    short = (reasons == "") & (tracks["n_frames"] < longest_input)
    needed = longest_input * HOP_SIZE / SAMPLE_RATE
    reasons[short] = [
        f"is too short: {frames} frames, a segment of {longest_input} takes {needed:.1f} s"
        for frames in tracks["n_frames"][short]
    ]
    return reasons[reasons != ""]


def groups_of(tracks: pd.DataFrame, shared: list[Sequence[str]]) -> pd.Series | None:
    """A group name for each track, the first track_id of its group; None if no tracks are grouped.

    Tracks of a group share a name in one of the columns `shared` (see `replicas.together`).
    """
    if not shared:
        return None
    sets = pd.Series(replicas.together(*shared), index=tracks.index)
    if sets.is_unique:
        return None
    return tracks["track_id"].groupby(sets).transform("min")


def _examined(tracks: pd.DataFrame, index: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """The tracks with n_frames, and the problem that extraction found in each."""
    found = index.set_index("digest")[["n_frames", "problem"]]
    if (missing := ~tracks["digest"].isin([*found.index, ""])).any():
        raise UserError(
            f"the features of {missing.sum()} tracks are missing; run again with --forcerun "
            "list_tracks"
        )
    found = found.reindex(tracks["digest"])
    n_frames = found["n_frames"].fillna(0).astype(int).to_numpy()
    return tracks.assign(n_frames=n_frames), found["problem"].to_numpy()


def _groups(used: pd.DataFrame, sets: pd.Series, criteria: Criteria) -> pd.Series | None:
    """Groups of replicas with `replicas: group`, and of equal values in the column `group_by`.

    `sets` names the set of replicas of each track, see `replicas.name_sets`.
    """
    shared: list[Sequence[str]] = [sets] if criteria.replicas == "group" else []
    if criteria.group_by:
        values = used[criteria.group_by]
        shared = [*shared, values.astype(str).where(values.notna(), "")]
    groups = groups_of(used, shared)
    if groups is not None and groups.nunique() < criteria.n_folds:
        raise UserError(
            f"replicas and group_by make {groups.nunique()} groups of tracks, too few for "
            f"{criteria.n_folds} folds; lower folds, or set replicas: keep if the tracks that "
            "replicas.csv lists are different recordings"
        )
    return groups


def _replicas_sentence(superfluous: pd.Series, choice: str) -> str:
    treatment = {
        "keep": "kept; one may be in the training set and another in the test set",
        "group": "kept in the fold of their originals",
        "drop": "skipped",
    }[choice]
    two_classes = superfluous.str.endswith(replicas.OF_ANOTHER_CLASS).sum()
    also = f", {two_classes} of them with replicas of another class" if two_classes else ""
    return f"{len(superfluous)} replicas of other tracks{also}: {treatment}"
