"""Synthesise the demo tracks of one dance and write their tempi."""

import argparse
from pathlib import Path

import numpy as np

from workflow_scripts.atomic_files import atomic
from workflow_scripts.audio.wav import write_wav
from workflow_scripts.demo.composition import compose
from workflow_scripts.demo.dances import DANCES, TRACKS_A_DANCE
from workflow_scripts.demo.synthesiser import perform
from workflow_scripts.process import run

SECONDS = 30
SEED = 2016


def main() -> None:
    """Write <folder>/<dance>-<number>.wav and .bpm for each track."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dance", choices=DANCES, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="folder to write into")
    options = parser.parse_args()

    for number in range(TRACKS_A_DANCE):
        rng = np.random.default_rng([SEED, list(DANCES).index(options.dance), number])
        score = compose(DANCES[options.dance], number, SECONDS, rng)
        name = f"{options.dance}-{number + 1:02d}"
        with atomic(options.folder / f"{name}.wav") as path:
            write_wav(path, perform(score, SECONDS, rng))
        with atomic(options.folder / f"{name}.bpm") as path:
            path.write_text(f"{score.bpm}\n")
        print(f"{name}: {score.bpm} BPM, {len(score.notes)} notes")


if __name__ == "__main__":
    run(main)
