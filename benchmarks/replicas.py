"""Measure the search for replicas by sound: seconds, memory, pairs found and missed.

The features are generated track by track and never stored: bars of random patterns, played with
varying strength on a kit that all tracks share, over random chords, 30 s each. One track in twenty
is a copy of another one: shifted by a fraction of a frame, cut to 20 s, at another level, with
noise and without the upper bands.

    python benchmarks/replicas.py [--tracks 1000 10000 100000]

10^5 tracks take 3 GB of disk for some minutes.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.signal import lfilter

sys.path.insert(0, str(Path(__file__).parents[1]))

from workflow_scripts.dataset.sound_search import similar

BANDS, FRAMES, VOICES, STEPS, ONE_COPY_IN = 40, 1293, 12, 16, 20
KIT = np.exp(np.random.default_rng(0).normal(0, 1.5, (VOICES, BANDS)))
DECAY = np.exp(-1 / 3)


def track(seed: int) -> np.ndarray:
    """Raw mel energies of a generated track, float32 (frames, bands)."""
    rng = np.random.default_rng(seed)
    step = rng.uniform(4, 9)
    pattern = rng.random((VOICES, STEPS)) < 0.2
    times = np.arange(0, FRAMES - 14, step)
    hits = np.zeros((FRAMES, VOICES))
    for voice in range(VOICES):
        played = times[np.resize(pattern[voice], len(times))]
        places = (played + rng.normal(0, 0.3, len(played))).clip(0).astype(int)
        np.add.at(hits[:, voice], places, rng.lognormal(0, 0.4, len(places)))
    envelopes = lfilter([1], [1, -DECAY], hits, axis=0)
    chords = np.exp(rng.normal(-3, 1, (FRAMES // 40 + 1, BANDS))).repeat(40, axis=0)[:FRAMES]
    return (1e-4 * (envelopes @ KIT + chords)).astype(np.float32)


def copy(energies: np.ndarray, seed: int) -> np.ndarray:
    """A copy as another file would have it."""
    rng = np.random.default_rng(seed)
    part, first = rng.uniform(0, 1), int(rng.integers(0, 400))
    shifted = (1 - part) * energies[:-1] + part * energies[1:]
    copied = 0.06 * shifted[first : first + 861] * np.exp(rng.normal(0, 0.1, (861, BANDS)))
    copied[:, 23:] = 0
    return copied.astype(np.float32)


def energies(number: int) -> np.ndarray:
    """The energies of a track; the last of every ONE_COPY_IN is a copy of the first of them."""
    if number % ONE_COPY_IN == ONE_COPY_IN - 1:
        return copy(track(number - ONE_COPY_IN + 1), number)
    return track(number)


def main() -> None:
    """Print one row per size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, nargs="+", default=[1000], help="numbers of tracks")
    options = parser.parse_args()
    started = time.perf_counter()
    for number in range(200):
        energies(number)
    generated = (time.perf_counter() - started) / 200
    print(f"generating a track takes {1000 * generated:.1f} ms, which is included below")
    print("  tracks  seconds  peak MB  copies  found  wrong  doubtful")
    for n in options.tracks:
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            pairs = list(similar(n, energies, Path(folder)))
        seconds = time.perf_counter() - started
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        copies = {(k, k + ONE_COPY_IN - 1) for k in range(0, n - ONE_COPY_IN + 1, ONE_COPY_IN)}
        certain = {(first, second) for first, second, _, replica in pairs if replica}
        found, wrong = len(certain & copies), len(certain - copies)
        doubtful = len(pairs) - len(certain)
        print(
            f"{n:8}  {seconds:7.1f}  {megabytes:7.0f}  {len(copies):6}  {found:5}  {wrong:5}"
            f"  {doubtful:8}",
            flush=True,
        )


if __name__ == "__main__":
    main()
