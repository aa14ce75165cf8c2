"""Measure what grows with the number of tracks: listing, planning, folds, a fold's segments.

The tracks are files of a few bytes, since nothing decodes them; their features are sparse files,
two segments of 80 frames per track. Then one epoch of time_1x60 runs on data larger than its memory
limit, and again with the data in memory: seconds, peak memory, and a check for equal weights.

    python benchmarks/scale.py [--largest 1000000] [--megabytes 1200] [--json FILE]

A million tracks take 5 GB of disk, a million inodes and several minutes.
"""

import argparse
import hashlib
import json
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.weighing import ROOT, Run, measure
from workflow_scripts import checked_tables
from workflow_scripts.audio.parameters import PAPERS
from workflow_scripts.dataset import features, replicas, sampling, split
from workflow_scripts.dataset.level import AS_RECORDED, TrainingLevel
from workflow_scripts.dataset.normalisation import Scaler, write_scalers
from workflow_scripts.dataset.scan import fingerprint
from workflow_scripts.dataset.segments import Segments
from workflow_scripts.dataset.shards import shard_of

CLASSES, FOLDS, SHARDS, BANDS, FRAMES = 10, 10, 16, 40, 160
NETWORK = {
    "input_frames": 80,
    "trunks": {"time": {"filter": [1, 60], "pool": [40, 1], "n_filters": 32}},
    "hidden": 0,
    "init": {},
}
TRAINING = {
    "learning_rate": 0.01,
    "batch_size": 10,
    "max_epochs": 1,
    "dropout": 0.5,
    "patience": 40,
    "min_learning_rate": 1e-5,
}
# Of a track to train on, 0.8 MB.
LARGE_FRAMES = 5000
READS = 2000


def step(name: str, **options: object) -> Run:
    """Run a step of the workflow with these options."""
    arguments: list[object] = []
    for option, value in options.items():
        values = value if isinstance(value, list) else [value]
        arguments += [f"--{option.replace('_', '-')}", *values]
    return measure(sys.executable, "-m", f"workflow_scripts.steps.{name}", *arguments)


def make_tracks(folder: Path, n: int) -> None:
    """Write `n` files with different contents into folders of classes."""
    for label in range(CLASSES):
        (folder / f"class {label}").mkdir(parents=True)
    for number in range(n):
        path = f"{folder}/class {number % CLASSES}/track {number}.wav"
        with open(path, "wb") as file:  # noqa: PTH123 - a million times
            file.write(number.to_bytes(8, "little"))


def make_features(folder: Path, digests: Sequence[str]) -> list[Path]:
    """Write sparse shards for these contents."""
    folder.mkdir()
    by_shard: list[list[str]] = [[] for _ in range(SHARDS)]
    for digest in digests:
        by_shard[shard_of(digest, SHARDS)].append(digest)
    shards = [folder / f"shard-{number}.npy" for number in range(SHARDS)]
    silence = hashlib.sha256(bytes(4 * FRAMES * BANDS)).hexdigest()[: features.CHECKSUM_LENGTH]
    for npy, contents in zip(shards, by_shard, strict=True):
        shape = (len(contents) * FRAMES, BANDS)
        np.lib.format.open_memmap(npy, "w+", "<f4", shape)
        index = pd.DataFrame({"digest": contents})
        index["first_frame"] = np.arange(len(contents)) * FRAMES
        index["n_frames"] = FRAMES
        index = index.assign(total=0.0, squares=0.0, normalised_total=0.0, normalised_squares=0.0)
        index = index.assign(level=1e-3, silence="", checksum=silence, problem="")
        index = index.assign(front_end=PAPERS.key)[list(features.COLUMNS)]
        checked_tables.write(npy.with_suffix(".csv"), index, features.INDEX)
    return shards


def sizes_up_to(largest: int) -> Iterable[int]:
    """Powers of ten from 1000 to `largest`."""
    size = 1000
    while size <= largest:
        yield size
        size *= 10


def listing_and_planning(home: Path, n: int) -> dict[str, float]:
    """Seconds and memory of the steps before any audio is decoded, for `n` tracks."""
    audio = home / "audio"
    make_tracks(audio, n)
    listing = {
        "audio": audio,
        "threads": 2,
        "digests": home / "digests",
        "tracks": home / "all-tracks.csv",
        "shards": [home / f"contents-{i}.txt" for i in range(SHARDS)],
    }
    # list_tracks does not cache digests of files that changed in the last two seconds.
    time.sleep(3)
    row: dict[str, float] = {"tracks": n}
    first = step("list_tracks", **listing)
    row |= {"list_s": first.seconds, "list_mb": first.megabytes}
    row["relist_s"] = step("list_tracks", **listing).seconds
    selected = step(
        "select_tracks",
        all_tracks=listing["tracks"],
        audio=audio,
        n_folds=FOLDS,
        tracks=home / "tracks.csv",
        excluded=home / "excluded.csv",
    )
    row |= {"select_s": selected.seconds, "select_mb": selected.megabytes}
    started = time.perf_counter()
    fingerprint(str(audio))
    row["scan_s"] = time.perf_counter() - started
    snakemake = (sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--dry-run")
    config = ("--config", "dataset=folder", f"audio_dir={audio}")
    plan = measure(*snakemake, *config, folder=home)
    jobs = re.search(r"^total +(\d+)$", plan.output, flags=re.MULTILINE)
    assert jobs is not None, plan.output
    row |= {"plan_s": plan.seconds, "jobs": int(jobs[1])}
    return row


def folds_and_segments(home: Path) -> dict[str, float]:
    """Seconds and memory of the steps after extraction, up to one fold's segments."""
    row: dict[str, float] = {}
    digests = pd.read_csv(home / "tracks.csv", usecols=["digest"])["digest"].tolist()
    shards = make_features(home / "features", digests)
    # benchmarks/replicas.py measures the search; silent features have no replicas.
    replicas.write(home / "replicas.csv", pd.DataFrame(columns=replicas.COLUMNS))
    folds = step(
        "assign_folds",
        tracks=home / "tracks.csv",
        index=[npy.with_suffix(".csv") for npy in shards],
        inputs='{"short": 80}',
        on_bad_audio="fail",
        pairs=home / "replicas.csv",
        replicas="group",
        n_folds=FOLDS,
        seed=0,
        folds=home / "folds.csv",
        skipped=home / "skipped.csv",
    )
    row |= {"folds_s": folds.seconds, "folds_mb": folds.megabytes}
    started = time.perf_counter()
    table = split.read(home / "folds.csv")
    files = features.FeatureFiles(shards, [npy.with_suffix(".csv") for npy in shards], PAPERS)
    used = files.of(table.digest[table.part(0, "train")])
    content, first = sampling.regular(used.n_frames, 80, 80)
    segments = Segments(used, content, first, 80, Scaler(0, 1))
    row["find_s"] = time.perf_counter() - started
    rows = np.random.default_rng(0).integers(0, len(segments), READS)
    started = time.perf_counter()
    for batch in rows.reshape(-1, 10):
        segments[batch]
    row["us_a_segment"] = (time.perf_counter() - started) / READS * 1e6
    return row


def train_beyond_memory(home: Path, megabytes: int) -> dict[str, float]:
    """Seconds and memory of one epoch within limited memory, and with all segments in memory.

    Eight folds of ten train; the limit is 7/12 of the `megabytes` of features.
    """
    rng = np.random.default_rng(0)
    n = round(1e6 * megabytes / (4 * BANDS * LARGE_FRAMES))
    names = [f"{i:04d}" for i in range(n)]
    energies = (1e-4 * rng.random((LARGE_FRAMES, BANDS), np.float32) for _ in names)
    contents = (features.Content(n, e) for n, e in zip(names, energies, strict=True))
    features.write_shard(home / "large.npy", contents, PAPERS)
    tracks = pd.DataFrame({"track_id": names, "label": [f"{i % 8}" for i in range(n)]})
    fold = np.arange(n) // 8 % FOLDS
    split.write(home / "large-folds.csv", tracks.assign(digest=names), fold)
    key = split.read(home / "large-folds.csv").key
    levels = [TrainingLevel(AS_RECORDED, -40, -20)] * FOLDS
    scalers = [Scaler(0.4, 0.2)] * FOLDS
    write_scalers(home / "large-scaler.json", "dataset", scalers, levels, key)
    row: dict[str, float] = {"features_mb": (home / "large.npy").stat().st_size / 1e6}
    digests = []
    for name, memory in {"bounded": megabytes * 7 // 12, "held": 10_000}.items():
        training = step(
            "train",
            features=home / "large.npy",
            index=home / "large.csv",
            folds=home / "large-folds.csv",
            scaler=home / "large-scaler.json",
            variant="time_1x60",
            network=json.dumps(NETWORK),
            training=json.dumps(TRAINING),
            fold=0,
            seed=0,
            memory_mb=memory,
            checkpoint=home / name / "checkpoint",
            weights=home / name / "weights.npz",
            history=home / name / "history.csv",
            fit=home / name / "fit.json",
        )
        row |= {f"{name}_s": training.seconds, f"{name}_mb": training.megabytes}
        digests.append(hashlib.sha256((home / name / "weights.npz").read_bytes()).hexdigest())
    assert digests[0] == digests[1], "the weights depend on whether the segments are in memory"
    return row


def main() -> None:
    """Print one row per size, then the results of the training."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=100_000, help="largest number of tracks")
    parser.add_argument("--megabytes", type=int, default=1200, help="of features to train on")
    parser.add_argument("--json", type=Path, help="file to write the measurements to")
    options = parser.parse_args()
    rows = []
    for n in sizes_up_to(options.largest):
        with tempfile.TemporaryDirectory() as home:
            row = listing_and_planning(Path(home), n) | folds_and_segments(Path(home))
            rows.append(row)
            # Print before the files are removed, which takes minutes for a million.
            if len(rows) == 1:
                print("  ".join(f"{name:>8}" for name in row))
            values = (f"{value:>{max(8, len(name))}.5g}" for name, value in row.items())
            print("  ".join(values), flush=True)
    with tempfile.TemporaryDirectory() as home:
        training = train_beyond_memory(Path(home), options.megabytes)
    print(", ".join(f"{name} {value:.0f}" for name, value in training.items()), "- equal weights")
    if options.json:
        options.json.write_text(json.dumps({"scale": rows, "training": training}, indent=2))


if __name__ == "__main__":
    main()
