"""Extract the mel features of one shard's tracks, found by the digest of their content."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from workflow_scripts.audio.front_end import mel_bands
from workflow_scripts.dataset.features import write_shard
from workflow_scripts.dataset.tables import read_table
from workflow_scripts.step import UserError, run


def extract(digests: list[str], paths: dict[str, str]) -> Iterator[tuple[str, np.ndarray]]:
    """(digest, frames x 40) of each content; raises UserError, once, for all bad files."""
    bad = []
    for digest in digests:
        try:
            bands = mel_bands(Path(paths[digest]))
        except UserError as mistake:
            bad.append(str(mistake))
        else:
            yield digest, bands
    if bad:
        raise UserError("; ".join(bad))


def main() -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=Path, required=True, help="tracks.csv")
    parser.add_argument("--shard", type=Path, required=True, help="the shard's list of digests")
    parser.add_argument("--features", type=Path, required=True, help=".npy to write, .csv beside")
    options = parser.parse_args()

    tracks = read_table(options.tracks)
    paths = dict(zip(tracks["digest"], tracks["path"], strict=True))
    digests = options.shard.read_text().split()
    write_shard(options.features, extract(digests, paths))
    print(f"{len(digests)} tracks in {options.features}")


if __name__ == "__main__":
    run(main)
