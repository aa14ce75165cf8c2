"""Check that every track is long enough for a segment of the longest input."""

import argparse
from pathlib import Path

import pandas as pd

from workflow_scripts.audio.parameters import HOP_SIZE, SAMPLE_RATE
from workflow_scripts.dataset.features import Features
from workflow_scripts.dataset.tables import read_table
from workflow_scripts.step import UserError, atomic, run


def check(lengths: pd.DataFrame, longest_input: int) -> None:
    """Raise UserError, naming them, for tracks (track_id, n_frames) of fewer frames."""
    short = lengths[lengths["n_frames"] < longest_input]
    if not len(short):
        return
    named = ", ".join(f"{row.track_id} ({row.n_frames})" for row in short[:10].itertuples())
    raise UserError(
        f"{len(short)} of {len(lengths)} tracks have fewer frames than a segment of "
        f"{longest_input} ({longest_input * HOP_SIZE / SAMPLE_RATE:.1f} s): "
        f"{named}{', ...' if len(short) > 10 else ''}; "
        "remove them, or the variants of so long an input_frames"
    )


def main() -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=Path, nargs="+", required=True, help="shards")
    parser.add_argument("--labels", type=Path, required=True, help="labels.csv")
    parser.add_argument("--longest-input", type=int, required=True, help="frames of a segment")
    parser.add_argument("--lengths", type=Path, required=True, help="CSV to write")
    options = parser.parse_args()

    features = Features(options.features)
    lengths = read_table(options.labels)[["track_id", "digest"]]
    lengths["n_frames"] = [len(features.frames(digest)) for digest in lengths.pop("digest")]
    check(lengths, options.longest_input)
    with atomic(options.lengths) as path:
        lengths.to_csv(path, index=False)


if __name__ == "__main__":
    run(main)
