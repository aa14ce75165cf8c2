"""List the features that experiments share, and remove those that are no longer needed.

They can be extracted again from the audio. Finished results stay complete without them.
"""

import argparse
import json
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.errors import UserError, reading
from workflow_scripts.paths import SharedFeatures
from workflow_scripts.process import run
from workflow_scripts.workflow import configuration, ownership
from workflow_scripts.workflow.feature_lock import FeatureLock
from workflow_scripts.workflow.run_lock import RunLock
from workflow_scripts.workflow.shared_features import noted_audio, shared_features

# In a folder of results: shared features of earlier versions of the workflow.
OF_EARLIER_VERSIONS = ("features", "onsets", "tempi", "contents")

Users = Mapping[Path, Sequence[str]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Read data/features and results/*/config.yaml; print, or remove folders."""
    parser = argparse.ArgumentParser(description=__doc__)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--unused", action="store_true", help="remove what no results use")
    choice.add_argument("--features", type=Path, help="remove this folder of data/features")
    options = parser.parse_args(arguments)
    users = users_of_features(Path("results"))
    if options.features:
        remove([own_folder(options.features)], users)
    elif options.unused:
        remove(unused(users), users)
    else:
        for folder in listed():
            print(described(folder, users))
        for folder in of_earlier_versions():
            print(f"{folder}: {size(folder)}, of an earlier version of the workflow; not used")


def users_of_features(results: Path) -> Users:
    """The names of the results that use each folder in data/features."""
    users: dict[Path, list[str]] = defaultdict(list)
    for path in sorted(results.glob("*/config.yaml")):
        config = configuration.read(path)
        # Those of an earlier version have features of their own.
        if not {"shards", "front_end"} <= config.keys():
            continue
        with reading(path):
            shared = shared_features(config, config)
        for folder in (shared.folder, shared.front_end):
            users[folder].append(path.parent.name)
    return users


def listed() -> list[Path]:
    """The folders of all front ends of all audio, and the folders of audio without any."""
    found = []
    for folder in folders_in(SharedFeatures.ROOT):
        found += front_ends_in(folder) or [folder]
    return found


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, sorted, without hidden ones; none if there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def front_ends_in(folder: Path) -> list[Path]:
    """The folders of features in the folder of an audio."""
    others = {"contents", "tempi", "logs", "benchmarks"}
    return [path for path in folders_in(folder) if path.name not in others]


def of_earlier_versions() -> list[Path]:
    """Folders in results that this version of the workflow does not use."""
    return [
        results / name
        for results in folders_in(Path("results"))
        for name in OF_EARLIER_VERSIONS
        if (results / name).is_dir()
    ]


def described(folder: Path, users: Users) -> str:
    """A folder, its audio and front end, its size, and the results that use it."""
    of_audio = folder if folder.parent == SharedFeatures.ROOT else folder.parent
    audio = noted_audio(of_audio) or of_audio.name.rpartition("-")[0]
    what = "no features" if folder == of_audio else front_end_in_words(folder)
    names = users.get(folder, ())
    used = f"used by {', '.join(f'results/{name}' for name in names)}" if names else "not used"
    return f"{folder}: {size(folder)}, {used}\n    audio {audio}; {what}"


def front_end_in_words(folder: Path) -> str:
    """The settings of the front end of a folder of features."""
    try:
        front_end = FrontEnd(**json.loads((folder / "front_end.json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return "an unknown front end"
    compression = front_end.compression
    return (
        f"{front_end.sample_rate} Hz, {front_end.window} frames of {front_end.frame_size} samples, "
        f"hop {front_end.hop_size}, {front_end.n_bands} bands from {front_end.min_frequency:g} to "
        f"{front_end.max_frequency:g} Hz, "
        + ("not compressed" if compression is None else f"log(1 + {compression:g} x)")
    )


def size(folder: Path) -> str:
    """The size of the files in a folder."""
    n_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes < 1e9 else f"{n_bytes / 1e9:.1f} GB"


def own_folder(folder: Path) -> Path:
    """`folder` relative to here. Raises UserError if it holds no shared features."""
    known = [*folders_in(SharedFeatures.ROOT), *listed(), *of_earlier_versions()]
    for path in known:
        if folder.resolve() == path.resolve():
            return path
    raise UserError(
        f"{folder} is not a folder of shared features; `make clean-features` lists them"
    )


def unused(users: Users) -> list[Path]:
    """The folders that no results use."""
    found = []
    for folder in folders_in(SharedFeatures.ROOT):
        found += (
            [p for p in front_ends_in(folder) if p not in users] if folder in users else [folder]
        )
    return found + of_earlier_versions()


def remove(folders: Iterable[Path], users: Users) -> None:
    """Remove these folders. Raises UserError for the first that a run uses."""
    for folder in folders:
        was = size(folder)
        with ExitStack() as locks:
            if not folder.is_relative_to(SharedFeatures.ROOT):
                results = RunLock(folder.parent)
                locks.callback(results.release)
                results.acquire()
                shutil.rmtree(folder)
            elif folder.parent == SharedFeatures.ROOT:
                for part in (folder, *front_ends_in(folder)):
                    lock_to_remove(part, locks)
                remove_all_of_audio(folder, users)
            else:
                lock_to_remove(folder, locks)
                shutil.rmtree(folder)
        print(f"removed {folder}: {was}")


def lock_to_remove(folder: Path, locks: ExitStack) -> None:
    """Take the lock of a folder of shared features, until the end of `locks`."""
    lock = FeatureLock(folder)
    locks.callback(lock.release)
    lock.acquire(write=True)


def remove_all_of_audio(folder: Path, users: Users) -> None:
    """Remove the features of an audio, and all else unless results are compared with it."""
    shared = SharedFeatures(folder, "", 0)
    if folder in users and not ownership.are_foreign(shared):
        for part in (*front_ends_in(folder), folder / "tempi"):
            shutil.rmtree(part, ignore_errors=True)
    else:
        shutil.rmtree(folder)


if __name__ == "__main__":
    run(main)
