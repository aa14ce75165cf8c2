"""Select the tracks of an experiment: skip bad audio, handle replicas, form groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.audio.parameters import PAPERS, FrontEnd
from workflow_scripts.dataset import bad_audio, groups, remedies, replicas, silence
from workflow_scripts.errors import UserError

SKIPPED_COLUMNS = ["track_id", "label", "path", "reason"]


@dataclass(frozen=True)
class Criteria:
    """How tracks are selected; `on_bad_audio`, `replicas` and `group_by` are as in config.yaml.

    `inputs` has the frames of a segment of each variant: a track needs a segment with sound of each
    length. `ballroom`: the data set is Ballroom as published. The archive has been checked, so its
    truncated files are used whatever `on_bad_audio` says. `front_end` is that of the features.
    """

    on_bad_audio: str
    replicas: str
    n_folds: int
    group_by: str
    inputs: Mapping[str, int]
    ballroom: bool
    front_end: FrontEnd = PAPERS


@dataclass(frozen=True)
class Selection:
    """The tracks to use, and the skipped ones with their reasons (SKIPPED_COLUMNS).

    If truncated tracks are used, `used` has a column `truncated`, empty for whole tracks.
    `groups` has the group name of each track, indexed as `used`: tracks of one group share a fold.
    It is None if every track may be in any fold.
    """

    used: pd.DataFrame
    groups: pd.Series | None
    skipped: pd.DataFrame


def select(
    tracks: pd.DataFrame, index: pd.DataFrame, pairs: pd.DataFrame, criteria: Criteria
) -> Selection:
    """Select from `tracks` (tracks.csv) by the results of the extraction in `index` (`look_up`).

    `pairs` is replicas.csv.

    Raises UserError for bad audio if `on_bad_audio` is "fail", and for tracks that cannot be
    spread over the folds.
    """
    tracks, problems = _examined(tracks, index)
    lengths = sorted(set(criteria.inputs.values()), reverse=True)
    use_truncated = criteria.ballroom or criteria.on_bad_audio == bad_audio.USE_TRUNCATED
    bad = reasons_to_skip(tracks, problems, max(lengths), use_truncated, criteria.front_end)
    bad = pd.concat([bad, without_sound(tracks.drop(bad.index), lengths)]).sort_index()
    if criteria.on_bad_audio == "fail":
        ways_out = remedies.for_bad_audio(tracks, bad, criteria.n_folds, criteria.inputs)
        bad_audio.check(tracks, bad, ways_out)
    # Before tracks are skipped, as they may link others.
    sets = pd.Series(replicas.name_sets(tracks["track_id"], pairs), index=tracks.index)
    used = _with_truncated(tracks, problems).drop(bad.index)
    if note := _silence_note(used):
        print(note)

    superfluous = replicas.superfluous(used, replicas.together(sets[used.index]))
    if len(superfluous):
        print(_replicas_sentence(superfluous, criteria.replicas))
    if criteria.replicas == "drop":
        used = used.drop(superfluous.index)
        bad = pd.concat([bad, superfluous])
    ways_out = remedies.for_short_tracks(tracks.loc[bad.index], criteria.inputs)
    remedies.check_remaining(tracks, used, bad, criteria.n_folds, ways_out)
    skipped = tracks.loc[bad.index].assign(reason=bad)[SKIPPED_COLUMNS].sort_values("track_id")
    return Selection(used, _groups(used, sets[used.index], criteria), skipped)


def reasons_to_skip(
    tracks: pd.DataFrame,
    problems: np.ndarray,
    longest_input: int,
    use_truncated: bool,
    front_end: FrontEnd = PAPERS,
) -> pd.Series:
    """The reasons why tracks (track_id, n_frames) cannot be used, indexed as `tracks`.

    `problems` has the problem that extraction found in each track, empty if none, NaN if the file
    cannot be read. With `use_truncated`, truncated tracks are used as far as they go and printed.
    """
    reasons = pd.Series(problems, index=tracks.index, dtype=object).fillna(bad_audio.UNREADABLE)
    truncated = reasons[reasons.str.startswith(bad_audio.TRUNCATED) & use_truncated]
    reasons[truncated.index] = ""
    short = (reasons == "") & (tracks["n_frames"] < longest_input)
    seconds = longest_input / front_end.frame_rate
    reasons[short] = [
        f"is too short: {frames} frames, a segment of {longest_input} takes {seconds:.1f} s"
        for frames in tracks["n_frames"][short]
    ]
    for row, reason in truncated[~short].items():
        print(f"note: {tracks['track_id'][row]} {reason}; it is used as far as it goes")
    return reasons[reasons != ""]


def without_sound(tracks: pd.DataFrame, inputs: Sequence[int]) -> pd.Series:
    """The reasons of tracks (n_frames, silence) that have no segment with sound of some length.

    `inputs` are the lengths in frames. The reasons are indexed as `tracks`.
    """
    reasons = {}
    some = tracks[tracks["silence"] != ""]
    for row, text, length in zip(some.index, some["silence"], some["n_frames"], strict=True):
        silent = silence.mask(text, length)
        for n_frames in inputs:
            segments = silence.contiguous(silent, n_frames)
            if segments.all():
                reasons[row] = (
                    f"has no segment with sound: its {len(segments)} complete segments of "
                    f"{n_frames} frames are silent"
                )
                break
    return pd.Series(reasons, dtype=object)


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
    found = index.set_index("digest")[["n_frames", "silence", "problem"]]
    if (missing := ~tracks["digest"].isin([*found.index, ""])).any():
        raise UserError(
            f"the features of {missing.sum()} tracks are missing; run again with --forcerun "
            "extract_mel"
        )
    found = found.reindex(tracks["digest"])
    n_frames = found["n_frames"].fillna(0).astype(int).to_numpy()
    silences = found["silence"].fillna("").to_numpy()
    return tracks.assign(n_frames=n_frames, silence=silences), found["problem"].to_numpy()


def _with_truncated(tracks: pd.DataFrame, problems: np.ndarray) -> pd.DataFrame:
    """The tracks with a column `truncated` that says what is missing, if any is truncated."""
    missing = pd.Series(problems, index=tracks.index, dtype=object).fillna("")
    missing = missing.where(missing.str.startswith(bad_audio.TRUNCATED), "")
    return tracks.assign(truncated=missing) if (missing != "").any() else tracks


def _groups(used: pd.DataFrame, sets: pd.Series, criteria: Criteria) -> pd.Series | None:
    """Groups of replicas with `replicas: group`, and of equal values in the column `group_by`.

    `sets` names the set of replicas of each track, see `replicas.name_sets`.
    """
    shared: list[Sequence[str]] = [sets] if criteria.replicas == "group" else []
    if criteria.group_by:
        shared = [*shared, groups.values(used[criteria.group_by])]
    found = groups_of(used, shared)
    if found is not None and (n_groups := found.nunique()) < criteria.n_folds:
        raise UserError(
            f"the tracks make {n_groups} groups, too few for {criteria.n_folds} folds; "
            f"{groups.ways_out(criteria.group_by, n_groups)}{_keep(criteria.replicas)}"
        )
    return found


def _keep(choice: str) -> str:
    """The advice to ignore replicas that are none; `choice` is the configured one."""
    if choice != "group":
        return ""
    return " or set replicas: keep if the tracks in replicas.csv are different recordings"


def _silence_note(used: pd.DataFrame) -> str:
    """How much of the used tracks is silent; empty if none is."""
    frames = silence.n_silent(used["silence"].tolist())
    if not frames.any():
        return ""
    share = 100 * frames.sum() / used["n_frames"].sum()
    return (
        f"{np.count_nonzero(frames)} of {len(used)} tracks have silences of a second or more, "
        f"{share:.1f} % of the frames; silent segments neither train nor vote"
    )


def _replicas_sentence(superfluous: pd.Series, choice: str) -> str:
    treatment = {
        "keep": "kept; one may be in the training set and another in the test set",
        "group": "kept in the fold of their originals",
        "drop": "skipped",
    }[choice]
    two_classes = superfluous.str.endswith(replicas.OF_ANOTHER_CLASS).sum()
    also = f", {two_classes} of them with replicas of another class" if two_classes else ""
    return f"{len(superfluous)} replicas of other tracks{also}: {treatment}"
