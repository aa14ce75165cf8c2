"""Select the tracks to experiment on: without bad audio, replicas dealt with, groups formed."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.atomic_files import atomic
from workflow_scripts.audio.parameters import HOP_SIZE, SAMPLE_RATE
from workflow_scripts.dataset import bad_audio, replicas
from workflow_scripts.dataset.features import read_index
from workflow_scripts.dataset.track_tables import read_table
from workflow_scripts.dataset.tracks import check_classes
from workflow_scripts.errors import UserError
from workflow_scripts.process import run

BALLROOM_REPLICAS = Path(__file__).parents[1] / "dataset" / "ballroom_replicas.csv"
SKIPPED = ["track_id", "label", "path", "reason"]


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=Path, required=True, help="tracks.csv")
    parser.add_argument("--index", type=Path, nargs="+", required=True, help="shards' indices")
    parser.add_argument("--longest-input", type=int, required=True, help="frames of a segment")
    parser.add_argument("--on-bad-audio", choices=["fail", "skip"], required=True)
    parser.add_argument("--replicas", choices=["keep", "group", "drop"], required=True)
    parser.add_argument("--ballroom", action="store_true", help="as published: known replicas")
    parser.add_argument("--folds", type=int, required=True)
    parser.add_argument("--group-by", default="", help="column whose equal values share a fold")
    parser.add_argument("--labels", type=Path, required=True, help="CSV to write")
    parser.add_argument("--lengths", type=Path, required=True, help="CSV to write")
    parser.add_argument("--skipped", type=Path, required=True, help="CSV to write")
    return parser.parse_args()


def main() -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    options = parse()
    tracks = read_table(options.tracks)
    group_by = options.group_by
    index = pd.concat(map(read_index, options.index)).set_index("digest")
    if (lacking := ~tracks["digest"].isin([*index.index, ""])).any():
        raise UserError(
            f"{lacking.sum()} tracks are in no shard of the features; run again with --forcerun "
            "list_tracks"
        )
    index = index[["n_frames", "problem"]].reindex(tracks["digest"])
    tracks["n_frames"] = index["n_frames"].fillna(0).astype(int).to_numpy()
    bad = problems(tracks, index["problem"].to_numpy(), options.longest_input, options.ballroom)
    if options.on_bad_audio == "fail":
        bad_audio.check(tracks, bad)
    used = tracks.drop(bad.index)

    same = same_recording(used, options.ballroom)
    superfluous = replicas.superfluous(used, replicas.together(*same))
    if len(superfluous):
        print(told(superfluous, options.replicas))
    if options.replicas == "drop":
        used = used.drop(superfluous.index)
        bad = pd.concat([bad, superfluous])
    check_classes(used, options.folds)
    shared = same_recording(used, options.ballroom) if options.replicas == "group" else []
    if group_by:
        shared = [*shared, used[group_by].astype(str).where(used[group_by].notna(), "")]
    groups = groups_of(used, shared)
    if groups is not None and groups.nunique() < options.folds:
        raise UserError(
            f"group_by {group_by} makes {groups.nunique()} groups, too few for {options.folds} "
            "folds; lower folds"
        )

    labels = used[["track_id", "label", "digest"]]
    skipped = tracks.loc[bad.index].assign(reason=bad)[SKIPPED]
    tables = {
        options.labels: labels if groups is None else labels.assign(group=groups),
        options.lengths: used[["track_id", "n_frames"]],
        options.skipped: skipped.sort_values("track_id"),
    }
    for file, table in tables.items():
        with atomic(file) as path:
            table.to_csv(path, index=False)
    left_out = f"; {len(skipped)} left out, see {options.skipped}" if len(skipped) else ""
    print(f"{len(used)} of {len(tracks)} tracks of {used['label'].nunique()} classes{left_out}")


def problems(
    tracks: pd.DataFrame, found: np.ndarray, longest_input: int, published: bool
) -> pd.Series:
    """What is wrong with the audio of tracks (track_id, n_frames): text, indexed as those tracks.

    `found` is what extraction said of each, NaN where there was nothing to extract from. Of a
    `published` data set, whose archive has been checked, a truncated file is as it should be.
    """
    reasons = pd.Series(found, index=tracks.index, dtype=object).fillna(bad_audio.UNREADABLE)
    if published:
        truncated = reasons.str.startswith(bad_audio.TRUNCATED)
        for row, reason in reasons[truncated].items():
            print(f"note: {tracks['track_id'][row]} {reason}; it is as published, and used")
        reasons[truncated] = ""
    short = (reasons == "") & (tracks["n_frames"] < longest_input)
    needed = longest_input * HOP_SIZE / SAMPLE_RATE
    reasons[short] = [
        f"is too short: {frames} frames, a segment of {longest_input} takes {needed:.1f} s"
        for frames in tracks["n_frames"][short]
    ]
    return reasons[reasons != ""]


def same_recording(tracks: pd.DataFrame, ballrooms: bool) -> list[Sequence[str]]:
    """Columns of names that tracks of the same recording share."""
    columns: list[Sequence[str]] = [tracks["digest"]]
    if ballrooms:
        columns.append(replicas.known(tracks["track_id"], pd.read_csv(BALLROOM_REPLICAS)))
    return columns


def told(superfluous: pd.Series, choice: str) -> str:
    """What becomes of the replicas."""
    fate = {
        "keep": "kept; one may be trained on and another tested",
        "group": "kept in the fold of their originals",
        "drop": "left out",
    }[choice]
    two_classes = superfluous.str.endswith(replicas.OF_ANOTHER_CLASS).sum()
    also = f", {two_classes} of them of recordings in two classes" if two_classes else ""
    return f"{len(superfluous)} replicas of other tracks{also}: {fate}"


def groups_of(tracks: pd.DataFrame, shared: list[Sequence[str]]) -> pd.Series | None:
    """For each track the first of those that share a name with it; None if all are alone.

    Tracks of one group share a fold, also those of a pair in two classes.
    """
    if not shared:
        return None
    sets = pd.Series(replicas.together(*shared), index=tracks.index)
    if sets.is_unique:
        return None
    return tracks["track_id"].groupby(sets).transform("min")


if __name__ == "__main__":
    run(main)
