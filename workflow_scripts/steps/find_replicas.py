"""Find tracks of the same recording: equal files, equal features, and copies by their sound."""

import argparse
from pathlib import Path

import pandas as pd

from workflow_scripts.dataset import bad_audio, replicas
from workflow_scripts.dataset.comparable import comparable
from workflow_scripts.dataset.experiment_data import add_front_end
from workflow_scripts.dataset.features import FeatureFiles, read_index
from workflow_scripts.dataset.sound_search import similar
from workflow_scripts.dataset.track_tables import TRACKS, read_table
from workflow_scripts.process import run


def main() -> None:
    """Read tracks.csv and the features; write replicas.csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=Path, required=True, help="tracks.csv")
    parser.add_argument(
        "--features", type=Path, nargs="+", required=True, help="features/shard-<i>.npy"
    )
    parser.add_argument(
        "--index", type=Path, nargs="+", required=True, help="features/shard-<i>.csv"
    )
    add_front_end(parser)
    parser.add_argument("--ballroom", action="store_true", help="Ballroom as published")
    parser.add_argument("--pairs", type=Path, required=True, help="CSV to write")
    options = parser.parse_args()

    tracks = read_table(options.tracks, TRACKS)[["track_id", "digest"]]
    checksums = checksums_of(options.index)
    files = tracks.drop_duplicates("digest").copy()
    files["checksum"] = files["digest"].map(checksums).fillna("")
    feature_files = FeatureFiles(options.features, options.index, options.front_end)
    pairs = [
        replicas.exact_pairs(tracks, "digest", replicas.SAME_FILE),
        replicas.exact_pairs(files, "checksum", replicas.SAME_SAMPLES),
        by_sound(files, feature_files, options.pairs.parent),
    ]
    if options.ballroom:
        pairs.append(replicas.listed_pairs(tracks["track_id"].tolist()))
    found = replicas.merged(pairs)
    replicas.write(options.pairs, found)
    doubtful = (found["verdict"] == replicas.DOUBTFUL).sum()
    print(f"{len(found) - doubtful} pairs of replicas, {doubtful} doubtful pairs")


def checksums_of(index: list[Path]) -> pd.Series:
    """The checksum of the features of each content, by digest; only contents with sound."""
    table = pd.concat(map(read_index, index))
    sounding = (table["n_frames"] > 0) & (table["problem"] != bad_audio.SILENT)
    return table[sounding].set_index("digest")["checksum"]


def by_sound(files: pd.DataFrame, feature_files: FeatureFiles, folder: Path) -> pd.DataFrame:
    """Pairs of tracks that sound alike, as in replicas.csv; one track of each checksum is compared.

    `files` has track_id, digest and checksum.
    """
    compared = files[files["checksum"] != ""].sort_values("track_id").drop_duplicates("checksum")
    # So neither names nor shards change what is found.
    compared = compared.sort_values("checksum")
    names = compared["track_id"].tolist()
    features = feature_files.of(compared["digest"].to_numpy())
    front_end = feature_files.front_end
    sounds = similar(len(names), lambda track: comparable(features.whole(track), front_end), folder)
    rows = []
    for first, second, score, certain in sounds:
        one, other = sorted((names[first], names[second]))
        rows.append((one, other, score, replicas.SAME_SOUND if certain else replicas.DOUBTFUL))
    return pd.DataFrame(rows, columns=replicas.COLUMNS).astype({"score": float})


if __name__ == "__main__":
    run(main)
