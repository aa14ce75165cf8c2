"""Folders of music with special files, odd names and odd lists of tracks, for `tests.fuzz`."""

import json
import os
import socket
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

from tests.conftest import write_wav
from workflow_scripts.audio.worker import Worker
from workflow_scripts.dataset import label_notes, tracks
from workflow_scripts.dataset.digests import digests
from workflow_scripts.dataset.scan import fingerprint
from workflow_scripts.labelling.find_audio import find
from workflow_scripts.steps.list_tracks import list_tracks

SOUND = np.zeros(100)
# Seconds; a folder here takes milliseconds.
TIME_LIMIT = 30
FOLDERS = ("", "a", "b", "A", "a/deep", "a\u200b", " ", "b/x.wav", "a/loop")
NAMES = ("x.wav", "x.MP3", "x.bpm", "x", "y.wav", "y.bpm", "tracks.csv", ".wav", "\u3164.wav", "x.")
KINDS = ("audio", "text", "empty", "pipe", "socket", "device", "folder", "broken", "loop", "up")
CELLS = (
    "x.wav",
    "a/x.wav",
    "a",
    "b",
    "A",
    " ",
    "\u200b",
    "",
    "120",
    "0x1",
    '"',
    "\0",
    "\r",
    "é",
    "/",
)
COLUMNS = ("path", "label", "bpm", "track_id", " label", "Path", "performer", "digest", "path")


def bind(path):
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(path.parent)
        server.bind(path.name)
        os.chdir("/")


def build(root, recipe):
    """Make the files of a recipe, pairs of a path and what is there; the first at a path stays."""
    for name, kind in recipe:
        path = root / name
        if os.path.lexists(path):
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            match kind:
                case "audio":
                    write_wav(path, SOUND)
                case "pipe":
                    os.mkfifo(path)
                case "socket":
                    bind(path)
                case "device":
                    path.symlink_to("/dev/zero")
                case "folder":
                    path.mkdir()
                case "broken":
                    path.symlink_to("nowhere")
                case "loop":
                    path.symlink_to(path.name)
                case "up":
                    path.symlink_to(root, target_is_directory=True)
                case text:
                    path.write_text("" if text == "empty" else text)
        # A file may be where the folder should be.
        except OSError:
            continue


def list_folder(path):
    """List the tracks of the folder in a recipe as the step does; the errors of a user are used."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "music")
        root.mkdir()
        build(root, json.loads(path.read_text()))
        fingerprint(str(root))
        find([root])
        with redirect_stdout(None):
            found = list_tracks(root, None, is_ballroom=False)
        tracks.check_names(found)
        tracks.check_classes(found, 2)
        named = found.assign(digest=digests(found["path"].tolist(), 1, Path(folder, "cache.csv")))
        assert all(named["label"].str.strip()), "a blank label"
        [*label_notes.notes(named)]


class Folders:
    """Folders of music, each described in a file."""

    def __init__(self, folder):
        self._path = folder / "folder.json"

    def worker(self):
        """A worker that runs `list_folder`."""
        return Worker(list_folder, TIME_LIMIT)

    def make(self, rng):
        """Write the next recipe; return the kind of its last file, and the path."""

        def one_of(values):
            return values[rng.integers(len(values))]

        # Good tracks first, so that some folders can be listed.
        recipe = [
            (f"{label}/{n}.wav", "audio") for label in "ab" for n in range(rng.integers(2, 5))
        ]
        for _ in range(rng.integers(1, 8)):
            recipe.append((str(Path(one_of(FOLDERS), one_of(NAMES))), kind := one_of(KINDS)))
        if rng.random() < 0.4:
            rows = [",".join(one_of(COLUMNS) for _ in range(rng.integers(1, 5)))]
            if rng.random() < 0.7:
                rows = ["path,label,performer"]
            rows += [",".join(one_of(CELLS) for _ in range(3)) for _ in range(rng.integers(9))]
            recipe.insert(0, ("tracks.csv", "\n".join(rows)))
            kind = "list of tracks"
        self._path.write_text(json.dumps(recipe))
        return kind, self._path
