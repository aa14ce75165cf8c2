"""Scans and fingerprints of folders."""

import os
import stat
import unicodedata
from pathlib import Path

import pytest

from tests.audio_folders import touch
from workflow_scripts.audio.files import is_audio
from workflow_scripts.dataset.class_folders import class_folders
from workflow_scripts.dataset.scan import fingerprint, scan


def test_a_fingerprint_changes_only_if_a_file_does(tmp_path):
    touch(tmp_path, "a/x.wav", "b/y.wav")
    first = fingerprint(str(tmp_path))
    assert fingerprint(str(tmp_path)) == first
    touch(tmp_path, "b/z.wav")
    assert fingerprint(str(tmp_path)) != first
    (tmp_path / "b/z.wav").unlink()
    assert fingerprint(str(tmp_path)) == first
    (tmp_path / "b/y.wav").write_bytes(b"other")
    assert fingerprint(str(tmp_path)) != first
    assert fingerprint(None) is None


def test_a_fingerprint_finds_names_in_either_unicode_form(tmp_path):
    touch(tmp_path, unicodedata.normalize("NFD", "é.wav"))
    (tmp_path / "tracks.csv").write_text("path,label\né.wav,a\n")
    first = fingerprint(str(tmp_path))
    (tmp_path / unicodedata.normalize("NFD", "é.wav")).write_text("other")
    assert fingerprint(str(tmp_path)) != first


def test_a_link_to_itself_is_a_file_that_cannot_be_read(tmp_path):
    touch(tmp_path, "a/x.wav", "b/y.wav")
    (tmp_path / "a/loop").symlink_to("loop")
    (tmp_path / "loop").symlink_to("loop")
    sizes = {Path(file.path).name: file.size for file in scan(str(tmp_path))}
    assert sizes["loop"] == -1 and sizes.keys() == {"loop", "x.wav", "y.wav"}
    assert len(class_folders(str(tmp_path), is_audio)[0]) == 2


def test_a_fingerprint_includes_linked_folders_and_listed_files(tmp_path):
    root = touch(tmp_path / "root", "a/x.wav")
    touch(tmp_path / "elsewhere", "b/y.wav", "z.wav")
    (root / "b").symlink_to(tmp_path / "elsewhere/b")
    (root / "a/loop").symlink_to(root)
    first = fingerprint(str(root))
    (tmp_path / "elsewhere/b/y.wav").write_bytes(b"other")
    second = fingerprint(str(root))
    (root / "tracks.csv").write_text("path,label\n../elsewhere/z.wav,z\n")
    third = fingerprint(str(root))
    (tmp_path / "elsewhere/z.wav").write_bytes(b"other")
    assert len({first, second, third, fingerprint(str(root))}) == 4


def test_a_scan_returns_size_modification_time_and_permissions(tmp_path):
    touch(tmp_path, "a/b/xyz", ".hidden/x", "a/.x")
    (file,) = scan(str(tmp_path))
    status = (tmp_path / "a/b/xyz").stat()
    mode = stat.S_IMODE(status.st_mode)
    assert file == (str(tmp_path / "a/b/xyz"), status.st_size, status.st_mtime_ns, mode)


def test_a_file_that_becomes_readable_changes_the_fingerprint(tmp_path):
    """Its digest is missing until then, although size and modification time stay."""
    touch(tmp_path, "a/x.wav")
    (tmp_path / "a/x.wav").chmod(0o000)
    before = fingerprint(str(tmp_path))
    (tmp_path / "a/x.wav").chmod(0o644)
    assert fingerprint(str(tmp_path)) != before


def test_a_folder_that_cannot_be_read_does_not_stop_the_planning(tmp_path, monkeypatch):
    """The step that lists the files reports it."""
    touch(tmp_path, "a/x.wav")
    before = fingerprint(str(tmp_path))

    def refuse(path):
        raise PermissionError(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert fingerprint(str(tmp_path)) != before
    with pytest.raises(PermissionError):
        list(scan(str(tmp_path)))


def test_a_file_that_vanishes_during_a_scan_is_skipped(tmp_path, monkeypatch):
    touch(tmp_path, "a/x", "a/y")
    files = scan(str(tmp_path))
    first = Path(next(files).path)
    (other,) = {tmp_path / "a/x", tmp_path / "a/y"} - {first}
    other.unlink()
    assert list(files) == []
