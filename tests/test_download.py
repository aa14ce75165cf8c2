"""Download and unpacking of Ballroom, against a server on this machine."""

import hashlib
import io
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.conftest import run_step
from workflow_scripts.download import download, md5_of
from workflow_scripts.step import UserError
from workflow_scripts.unpack import unpack


def tar(folder, members, link=None):
    """A .tar.gz of files {name: content}, and a symbolic link (name, target) if asked for."""
    path = folder / "a.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        if link:
            info = tarfile.TarInfo(link[0])
            info.type, info.linkname = tarfile.SYMTYPE, link[1]
            archive.addfile(info)
    return path


CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def server():
    """Serves CONTENT at /good; breaks off at /short; knows nothing else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path not in ("/good", "/short"):
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT if self.path == "/good" else CONTENT[:1000])

        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


MD5 = hashlib.md5(CONTENT).hexdigest()


def test_a_checked_archive_gets_its_name(server, tmp_path):
    download(f"{server}/good", MD5, tmp_path / "deep" / "a.tar.gz")
    assert (tmp_path / "deep" / "a.tar.gz").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("page", "md5", "sentence"),
    [
        ("good", "0" * 32, "has the MD5 sum .*, not 0+"),
        ("short", MD5, "broke off after 1000 of 256000 bytes"),
        ("missing", MD5, "cannot download .*/missing"),
    ],
)
def test_what_fails_leaves_nothing(server, tmp_path, page, md5, sentence):
    with pytest.raises(UserError, match=sentence):
        download(f"{server}/{page}", md5, tmp_path / "a.tar.gz")
    assert not list(tmp_path.iterdir())


def test_a_server_that_is_not_there(tmp_path):
    code, output = run_step(
        "download", "--url", "http://127.0.0.1:9/x", "--md5", MD5, "--archive", tmp_path / "a"
    )
    assert code == 1
    assert output.startswith("error: cannot download http://127.0.0.1:9/x: ")
    assert output.count("\n") == 1


def test_the_archives_folder_is_unpacked(tmp_path):
    members = {"Data/Tango/1.wav": b"one", "Data/list": b"two", "Data/Data/2.wav": b"three"}
    archive = tar(tmp_path, members)
    unpack(archive, md5_of(archive), tmp_path / "data" / "Data")
    assert (tmp_path / "data/Data/Tango/1.wav").read_bytes() == b"one"
    assert (tmp_path / "data/Data/Data/2.wav").read_bytes() == b"three"
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["Data"]


@pytest.mark.parametrize(
    ("members", "link", "sentence"),
    [
        ({"Other/1.wav": b"one"}, None, "holds no folder Data"),
        ({"Data/1.wav": b"one", "../escaped": b"x"}, None, "cannot unpack"),
        ({"Data/1.wav": b"one"}, ("Data/link", "/etc/passwd"), "cannot unpack"),
    ],
)
def test_hostile_or_wrong_archives_are_refused(tmp_path, members, link, sentence):
    archive = tar(tmp_path, members, link)
    with pytest.raises(UserError, match=sentence):
        unpack(archive, md5_of(archive), tmp_path / "data" / "Data")
    assert not list((tmp_path / "data").iterdir())
    assert not (tmp_path / "escaped").exists()


def test_an_archive_put_there_by_hand_is_checked(tmp_path):
    archive = tar(tmp_path, {"Data/1.wav": b"one"})
    with pytest.raises(UserError, match=r"has the MD5 sum .*, not 0+: replace or remove it"):
        unpack(archive, "0" * 32, tmp_path / "data" / "Data")


@pytest.mark.parametrize("url", ["http://a b/c", "http://x:port/y", "http://[bad/x"])
def test_an_address_that_is_none(tmp_path, url):
    with pytest.raises(UserError, match="cannot download "):
        download(url, MD5, tmp_path / "a")


def test_a_truncated_archive_is_refused(tmp_path):
    archive = tar(tmp_path, {f"Data/{i}": bytes([i]) * 5000 for i in range(50)})
    archive.write_bytes(archive.read_bytes()[:500])
    with pytest.raises(UserError, match="cannot unpack"):
        unpack(archive, md5_of(archive), tmp_path / "data" / "Data")
    assert not list((tmp_path / "data").iterdir())
