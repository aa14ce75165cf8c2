"""Unpack the archives of Ballroom and print its licence."""

import argparse
from pathlib import Path

from workflow_scripts.download.unpacking import unpack
from workflow_scripts.process import run

LICENCE = """\
The licence of Ballroom is CC BY-NC-SA 4.0 (source: mirdata): not for commercial use. Please cite
F. Gouyon, A. Klapuri, S. Dixon, M. Alonso, G. Tzanetakis, C. Uhle, P. Cano: An experimental
comparison of audio tempo induction algorithms. IEEE TASLP 14(5), 2006."""


def main() -> None:
    """Read the archives; write the audio and the annotated tempi."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archives", type=Path, nargs="+", required=True, help=".tar.gz files")
    parser.add_argument("--md5", nargs="+", required=True, help="of each archive")
    parser.add_argument(
        "--folders", type=Path, nargs="+", required=True, help="of each archive, to write"
    )
    options = parser.parse_args()
    print(LICENCE)
    for job in zip(options.archives, options.md5, options.folders, strict=True):
        unpack(*job)


if __name__ == "__main__":
    run(main)
