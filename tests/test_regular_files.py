"""Special files: nothing but a regular file is opened, and nothing waits."""

import os
import shutil
import socket
from pathlib import Path

import pytest

from tests.runs import run_module
from workflow_scripts import regular_files
from workflow_scripts.audio.files import is_audio
from workflow_scripts.dataset.digests import digests
from workflow_scripts.dataset.scan import fingerprint, scan
from workflow_scripts.errors import UserError
from workflow_scripts.labelling.find_audio import find
from workflow_scripts.regular_files import open_regular
from workflow_scripts.steps.list_tracks import list_tracks


def bind(path):
    # A socket's path has at most 108 bytes.
    here = Path.cwd()
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)
    os.chdir(here)


KINDS = {
    "a named pipe": os.mkfifo,
    "a link to a pipe": lambda path: (
        os.mkfifo(path.with_name(".pipe")),
        path.symlink_to(".pipe"),
    ),
    "a socket": bind,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a folder": lambda path: path.mkdir(),
    "a broken link": lambda path: path.symlink_to("nowhere"),
    "a loop": lambda path: path.symlink_to(path.name),
}
SAID = {"a link to a pipe": "a named pipe", "a loop": "Too many levels of symbolic links"}


@pytest.fixture(params=KINDS)
def special(request):
    """A function that makes a special file, and what is said of it."""
    return KINDS[request.param], SAID.get(request.param, request.param)


def music(folder):
    """A folder with a track in each of two classes."""
    for label in "ab":
        (folder / label).mkdir()
        (folder / label / "y.wav").write_text(label)
    return folder


def test_a_regular_file_is_opened(tmp_path):
    (tmp_path / "x").write_bytes(b"text")
    (tmp_path / "link").symlink_to("x")
    for name in ("x", "link"):
        with open_regular(tmp_path / name) as file:
            assert file.read() == b"text"


def test_a_special_file_is_refused_by_its_kind(special, tmp_path):
    make, said = special
    make(tmp_path / "x")
    with pytest.raises(OSError, match=said):
        open_regular(tmp_path / "x")


@pytest.mark.parametrize(("name", "said"), [("none", "it does not exist"), ("a\0b", "NUL")])
def test_so_is_a_path_without_a_file(tmp_path, name, said):
    with pytest.raises(OSError, match=said):
        open_regular(str(tmp_path / name))


@pytest.mark.parametrize("kind", ["a named pipe", "a folder", "a device"])
def test_a_file_that_is_replaced_before_it_is_opened_does_not_wait(tmp_path, monkeypatch, kind):
    (tmp_path / "x").touch()
    before = (tmp_path / "x").stat()
    (tmp_path / "x").unlink()
    KINDS[kind](tmp_path / "x")
    monkeypatch.setattr(regular_files.Path, "stat", lambda path: before)
    with pytest.raises(OSError, match=r"a named pipe|a device|Is a directory"):
        open_regular(tmp_path / "x")


@pytest.mark.parametrize("name", ["x.wav", "x.MP3"])
def test_a_special_file_named_like_audio_is_a_bad_track(special, tmp_path, name):
    make, _ = special
    make(music(tmp_path) / "a" / name)
    tracks = list_tracks(tmp_path, None, is_ballroom=False)
    assert tracks["path"].map(os.path.basename).tolist() == [name, "y.wav", "y.wav"]
    found = digests(tracks["path"].tolist(), 1, tmp_path / "cache.csv")
    assert found[0] == "" and all(found[1:])
    assert tmp_path / "a" / name in find([tmp_path]).tracks


def test_a_special_file_of_another_name_is_ignored_and_named(special, tmp_path, capsys):
    make, said = special
    make(music(tmp_path) / "a" / "control")
    tracks = list_tracks(tmp_path, None, is_ballroom=False)
    assert len(tracks) == 2
    assert said == "a folder" or "a/control" in capsys.readouterr().out


def test_a_tempo_in_a_special_file_is_refused(special, tmp_path):
    make, said = special
    make(music(tmp_path) / "a" / "y.bpm")
    if said == "a folder":
        (tmp_path / "a/y.bpm/z").touch()
        assert "bpm" not in list_tracks(tmp_path, None, is_ballroom=False)
        return
    with pytest.raises(UserError, match=rf"y\.bpm: .*{said}.*; put the tempo into it or remove it"):
        list_tracks(tmp_path, None, is_ballroom=False)


def test_a_list_of_tracks_that_is_a_special_file_is_refused(special, tmp_path):
    """The class folders beside it would be other tracks."""
    make, said = special
    make(music(tmp_path) / "tracks.csv")
    fingerprint(str(tmp_path))
    with pytest.raises(UserError, match=rf"tracks\.csv: .*{said}.*; put the list of tracks there"):
        list_tracks(tmp_path, None, is_ballroom=False)


def test_a_listed_special_file_is_a_bad_track(special, tmp_path):
    make, _ = special
    make(tmp_path / "x.wav")
    (tmp_path / "tracks.csv").write_text("path,label\nx.wav,a\n")
    fingerprint(str(tmp_path))
    tracks = list_tracks(tmp_path, None, is_ballroom=False)
    assert digests(tracks["path"].tolist(), 1, tmp_path / "cache.csv") == [""]


def test_no_file_that_states_no_size_is_read(tmp_path):
    """Some regular files of /proc never end."""
    path = tmp_path / "x.wav"
    path.symlink_to("/proc/self/maps")
    empty = tmp_path / "empty"
    empty.touch()
    found = digests([str(path), str(empty)], 1, tmp_path / "cache.csv")
    assert found[0] == found[1]


def test_a_folder_named_like_audio_is_a_folder_if_it_holds_files(tmp_path):
    (music(tmp_path) / "a/live.wav").mkdir()
    (tmp_path / "a/live.wav/z.wav").write_text("z")
    tracks = list_tracks(tmp_path, None, is_ballroom=False)
    assert tracks["track_id"].tolist() == ["a/z", "a/y", "b/y"]


def test_is_audio_opens_no_special_file(special, tmp_path):
    make, _ = special
    make(tmp_path / "x")
    assert not is_audio(str(tmp_path / "x"))


def test_folders_that_link_to_each_other_make_no_endless_listing(tmp_path):
    """Twelve such folders have a path for each of their 500 million orders."""
    names = [f"f{i}" for i in range(12)]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.wav").touch()
        for other in set(names) - {name}:
            (tmp_path / name / other).symlink_to(tmp_path / other)
    for listing in (lambda: find([tmp_path]), lambda: list_tracks(tmp_path, None, False)):
        with pytest.raises(
            UserError, match=r"more than 100 paths lead to the folder .*; remove lin"
        ):
            listing()
    fingerprint(str(tmp_path))


@pytest.mark.parametrize("gone", ["removed", "replaced"])
def test_a_folder_that_vanishes_during_a_scan_is_skipped(tmp_path, gone):
    music(tmp_path)
    files = scan(str(tmp_path))
    first = Path(next(files).path)
    (other,) = {tmp_path / "a", tmp_path / "b"} - {first.parent}
    shutil.rmtree(other)
    if gone == "replaced":
        other.touch()
    assert list(files) == []
    with pytest.raises(FileNotFoundError):
        next(scan(str(tmp_path / "none")))


def test_a_class_folder_that_comes_or_goes_during_the_listing_is_no_error(tmp_path, monkeypatch):
    music(tmp_path)
    from workflow_scripts.dataset import class_folders

    def scanned(root):
        files = [*scan(root)]
        (tmp_path / "c").mkdir()
        (tmp_path / "c/z.wav").touch()
        return [*files, *(file for file in scan(root) if file.path.endswith("z.wav"))]

    monkeypatch.setattr(class_folders, "scan", scanned)
    tracks = list_tracks(tmp_path, None, is_ballroom=False)
    assert tracks["label"].tolist() == ["a", "b", "c"]


@pytest.mark.workflow
def test_skipped_files_are_named_with_what_they_are(tmp_path):
    """As they are if the run stops on bad audio."""
    for label in "ab":
        (tmp_path / "audio" / label).mkdir(parents=True)
        for number in range(2):
            (tmp_path / "audio" / label / f"{number}.wav").write_text(f"{label} {number}")
    os.mkfifo(tmp_path / "audio" / "a" / "pipe.wav")
    audio = ("--audio", tmp_path / "audio")
    code, _ = run_module(
        "steps.list_tracks",
        *(*audio, "--digests", tmp_path / "digests", "--tracks", tmp_path / "all.csv"),
        *("--shards", tmp_path / "shard.txt"),
    )
    assert code == 0
    code, output = run_module(
        "steps.select_tracks",
        *(*audio, "--on-bad-audio", "skip", "--n-folds", 2, "--all-tracks", tmp_path / "all.csv"),
        *("--tracks", tmp_path / "tracks.csv", "--excluded", tmp_path / "excluded.csv"),
    )
    assert code == 0
    assert f"note: {tmp_path}/audio/a/pipe.wav cannot be read: it is a named pipe" in output
