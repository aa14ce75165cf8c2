"""The folder of features that an experiment shares with others on the same audio.

It is named by the audio and the number of shards; a user's folder by its name and a digest of its
path. `audio.txt` in it says where that folder is: under another spelling, or after a move, it is
the same audio, and nothing is extracted again.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

from workflow_scripts.atomic_files import atomic
from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.paths import SharedFeatures

# Characters of the name of a user's folder.
LONGEST_NAME = 40


def shared_features(
    config: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> SharedFeatures:
    """The shared features of the experiment of `config`.

    `before` is the configuration of the last run of the same results, if there was one: an audio
    folder of it that no longer exists has been moved.
    """
    n_shards = config["shards"]
    # Results of an earlier version have the default front end.
    front_end = FrontEnd.from_config(config["front_end"]) if "front_end" in config else FrontEnd()
    moved_from = before["audio_dir"] if before and config["dataset"] == "folder" else None
    name = config["dataset"]
    if name == "folder":
        folder = _of_folder(config["audio_dir"], moved_from, n_shards)
    else:
        folder = SharedFeatures.ROOT / f"{name}-{n_shards}"
    return SharedFeatures(folder, front_end.key, n_shards)


def audio_of(shared: SharedFeatures, audio_dir: str) -> str:
    """`audio_dir` as the run that listed its tracks spelled it, if that is the same folder."""
    noted = noted_audio(shared.folder)
    return noted if noted is not None and _is_same(noted, audio_dir) else audio_dir


def describe(shared: SharedFeatures, audio_dir: str | None, front_end: FrontEnd) -> None:
    """Note the audio and the front end beside the shared features."""
    if audio_dir is not None:
        _write(shared.audio, os.fsencode(audio_of(shared, audio_dir)))
    _write(shared.settings, json.dumps(asdict(front_end), indent=1).encode())


def noted_audio(folder: Path) -> str | None:
    """The audio folder that `describe` noted in a folder of shared features; None without one."""
    try:
        return os.fsdecode((folder / "audio.txt").read_bytes())
    except OSError:
        return None


def _of_folder(audio_dir: str, moved_from: str | None, n_shards: int) -> Path:
    noted = {
        folder: audio
        for folder in sorted(SharedFeatures.ROOT.glob(f"*-{n_shards}"))
        if (audio := noted_audio(folder)) is not None
    }
    for folder, audio in noted.items():
        if _is_same(audio, audio_dir):
            return folder
    if moved_from is not None and not Path(moved_from).is_dir():
        for folder, audio in noted.items():
            if audio == moved_from:
                return folder
    path = Path(audio_dir).resolve()
    safe = re.sub("[^A-Za-z0-9]+", "_", path.name)[:LONGEST_NAME].strip("_") or "audio"
    # A relative path is the same where workflow and audio have been copied or moved together.
    is_absolute = Path(audio_dir).is_absolute()
    place = os.fsencode(path if is_absolute else os.path.relpath(path))
    name = f"{safe}-{hashlib.sha256(place).hexdigest()[:8]}"
    # A folder that has moved keeps its features, and another one may now be in its place.
    names = (name if number == 1 else f"{name}-{number}" for number in count(1))
    folders = (SharedFeatures.ROOT / f"{name}-{n_shards}" for name in names)
    return next(folder for folder in folders if folder not in noted)


def _is_same(audio: str, other: str) -> bool:
    a, b = Path(audio), Path(other)
    return a.is_dir() and b.is_dir() and a.samefile(b)


def _write(path: Path, content: bytes) -> None:
    if not path.is_file() or path.read_bytes() != content:
        with atomic(path) as partial:
            partial.write_bytes(content)
