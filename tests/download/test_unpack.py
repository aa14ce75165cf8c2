"""Unpacking of archives, including malicious ones."""

import hashlib
import io
import os
import random
import shutil
import stat
import tarfile
from collections import namedtuple

import pytest

from tests.runs import run_module
from workflow_scripts.download.unpacking import unpack
from workflow_scripts.errors import UserError


def tar(folder, members, special=()):
    """Write a .tar.gz with the files {name: content} and further members."""
    path = folder / "a.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in special:
            archive.addfile(info)
    return path


def member(name, kind=tarfile.REGTYPE, linkname=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, linkname
    return info


def md5_of(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def test_the_folder_in_the_archive_is_unpacked(tmp_path):
    members = {"Data/Tango/1.wav": b"one", "Data/list": b"two", "Data/Data/2.wav": b"three"}
    archive = tar(tmp_path, members)
    before = archive.read_bytes()
    unpack(archive, md5_of(archive), tmp_path / "data" / "Data")
    assert (tmp_path / "data/Data/Tango/1.wav").read_bytes() == b"one"
    assert (tmp_path / "data/Data/Data/2.wav").read_bytes() == b"three"
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["Data"]
    assert archive.read_bytes() == before


@pytest.mark.parametrize(
    ("malicious", "sentence"),
    [
        (member("../escaped"), r"holds '\.\./escaped', which would leave the folder"),
        (member("Data/../../escaped"), "would leave the folder"),
        (member("/escaped"), "holds '/escaped', which is an absolute path"),
        (
            member("Data/l", tarfile.SYMTYPE, "/etc/passwd"),
            "'Data/l', which is a link to '/etc/passwd'",
        ),
        (member("Data/l", tarfile.SYMTYPE, "1.wav"), "a link to '1.wav'"),
        (member("Data/l", tarfile.LNKTYPE, "Data/1.wav"), "a link to 'Data/1.wav'"),
        (member("Data/l", tarfile.LNKTYPE, "../escaped"), r"a link to '\.\./escaped'"),
        (member("Data/null", tarfile.CHRTYPE), "holds 'Data/null', which is a device"),
        (member("Data/disk", tarfile.BLKTYPE), "is a device or another special file"),
        (member("Data/pipe", tarfile.FIFOTYPE), "is a device or another special file"),
        (member("Data/odd", b"9"), "is a device or another special file"),
    ],
)
def test_a_malicious_member_is_rejected_before_anything_is_written(tmp_path, malicious, sentence):
    archive = tar(tmp_path, {"Data/1.wav": b"one"}, [malicious])
    with pytest.raises(UserError, match=sentence) as error:
        unpack(archive, md5_of(archive), tmp_path / "data" / "Data")
    assert "\n" not in str(error.value)
    assert list((tmp_path / "data").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "data"]


def test_special_permissions_are_dropped(tmp_path):
    info = member("Data/run")
    info.mode = 0o6777
    archive = tar(tmp_path, {}, [info])
    unpack(archive, md5_of(archive), tmp_path / "data" / "Data")
    mode = stat.S_IMODE((tmp_path / "data/Data/run").stat().st_mode)
    assert mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWGRP | stat.S_IWOTH) == 0


def test_an_archive_without_the_folder_is_an_error(tmp_path):
    archive = tar(tmp_path, {"Other/1.wav": b"one"})
    with pytest.raises(UserError, match="has no folder Data"):
        unpack(archive, md5_of(archive), tmp_path / "data" / "Data")
    assert list((tmp_path / "data").iterdir()) == []


def test_a_wrong_md5_sum_is_an_error(tmp_path):
    archive = tar(tmp_path, {"Data/1.wav": b"one"})
    with pytest.raises(UserError, match=r"has the MD5 sum .*, not 0+: "):
        unpack(archive, "0" * 32, tmp_path / "data" / "Data")
    assert not (tmp_path / "data").exists()


def test_a_truncated_archive_is_an_error(tmp_path):
    archive = tar(tmp_path, {f"Data/{i}": os.urandom(5000) for i in range(50)})
    archive.write_bytes(archive.read_bytes()[:100_000])
    with pytest.raises(UserError, match="cannot unpack"):
        unpack(archive, md5_of(archive), tmp_path / "data" / "Data")
    assert list((tmp_path / "data").iterdir()) == []


def header(**fields):
    """A tar header with a correct checksum; `fields` are (offset, content)."""
    block = bytearray(tarfile.TarInfo("Data/a").tobuf())
    for offset, content in fields.values():
        block[offset : offset + len(content)] = content
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


# A long name (type L, at byte 156) of one block.
LONG_NAME = header(kind=(156, b"L"), size=(124, b"00000000001\0")) + bytes(512)


@pytest.mark.parametrize(
    "content",
    [
        # A time that no clock has: base 256, from byte 136.
        header(time=(136, b"\x80" + b"\xff" * 11)) + bytes(1024),
        LONG_NAME,
        LONG_NAME * 3000,
    ],
    ids=["time", "name", "names"],
)
def test_a_damaged_header_is_an_error(tmp_path, content):
    archive = tmp_path / "a.tar"
    archive.write_bytes(content)
    with pytest.raises(UserError, match=r"cannot unpack|has no folder"):
        unpack(archive, md5_of(archive), tmp_path / "data" / "Data")
    assert list((tmp_path / "data").iterdir()) == []


def test_a_damaged_xz_archive_is_an_error(tmp_path):
    archive = tmp_path / "a.tar.xz"
    with tarfile.open(archive, "w:xz") as packed:
        info = tarfile.TarInfo("Data/a")
        info.size = 100_000
        packed.addfile(info, io.BytesIO(random.Random(0).randbytes(100_000)))
    content = bytearray(archive.read_bytes())
    content[50_000] ^= 255
    archive.write_bytes(content)
    with pytest.raises(UserError, match=r"cannot unpack .*; replace it"):
        unpack(archive, md5_of(archive), tmp_path / "data" / "Data")


@pytest.mark.parametrize(("free", "fits"), [(1_699_999, False), (1_700_000, True)])
def test_all_members_have_to_fit_on_the_disk(tmp_path, monkeypatch, free, fits):
    archive = tar(tmp_path, {"Data/1": bytes(800_000), "Data/2": bytes(900_000)})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: namedtuple("usage", "free")(free))
    if fits:
        unpack(archive, md5_of(archive), tmp_path / "data" / "Data")
        assert (tmp_path / "data/Data/2").stat().st_size == 900_000
        return
    with pytest.raises(UserError, match=r"takes 1\.7 MB, but only 1\.7 MB are free"):
        unpack(archive, md5_of(archive), tmp_path / "data" / "Data")
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.workflow
def test_licence_and_citation_are_printed_once(tmp_path):
    (tmp_path / "other").mkdir()
    archives = [tar(tmp_path, {"Data/1": b"1"}), tar(tmp_path / "other", {"Tempi/1": b"1"})]
    code, output = run_module(
        *("steps.unpack", "--archives", *archives, "--md5", *map(md5_of, archives)),
        *("--folders", tmp_path / "out/Data", tmp_path / "out/Tempi"),
    )
    assert code == 0, output
    for part in ("CC BY-NC-SA 4.0", "not for commercial use", "Gouyon", "IEEE TASLP 14(5), 2006"):
        assert output.count(part) == 1
