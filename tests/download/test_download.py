"""Download of an archive from a local server that fails in defined ways."""

import errno
import hashlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from itertools import repeat
from pathlib import Path

import pytest
from filelock import FileLock

from tests.conftest import ROOT
from tests.fault_server import DEADLINE, Answer, FaultServer
from tests.processes import restore_sigint
from workflow_scripts.download import progress
from workflow_scripts.download.mirrors import download
from workflow_scripts.download.transfer import BUNDLES, Patience
from workflow_scripts.errors import UserError

# Random, so that bytes at a wrong place change the MD5 sum.
CONTENT = random.Random(0).randbytes(300_000)
MD5 = hashlib.md5(CONTENT).hexdigest()
SIZE, HALF = len(CONTENT), len(CONTENT) // 2
QUICK = Patience(tries=3, first_pause=0.001, longest_pause=0.002, silence=10)
PART = ".a.tar.gz.part"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server():
    running = FaultServer(CONTENT)
    yield running
    running.close()


@pytest.fixture
def sleeps(monkeypatch):
    """The pauses in seconds, recorded instead of made."""
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


@pytest.fixture
def fetch(server, tmp_path):
    """Download from these paths of the server; return the content of the archive."""

    def run(*paths, md5=MD5, patience=QUICK):
        archive = tmp_path / "a.tar.gz"
        download([server.url(path) for path in paths or ("/a",)], md5, archive, patience)
        assert names(tmp_path) == ["a.tar.gz"]
        return archive.read_bytes()

    return run


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def answers(server, *list_, path="/a"):
    server.answers[path] = iter(list_)


def always(server, answer, path="/a"):
    server.answers[path] = repeat(answer)


def bytes_from(start):
    return f"bytes={start}-" if start else None


def test_an_archive_is_downloaded(server, tmp_path):
    download([server.url("/a")], MD5, tmp_path / "deep" / "a.tar.gz")
    assert (tmp_path / "deep" / "a.tar.gz").read_bytes() == CONTENT
    assert names(tmp_path / "deep") == ["a.tar.gz"]
    assert server.ranges() == [None]


CUTS = [0, 1, HALF, SIZE - 1]


@pytest.mark.parametrize("cut", CUTS)
def test_a_cut_connection_is_continued(server, fetch, cut):
    answers(server, Answer(sent=cut))
    assert fetch() == CONTENT
    assert server.ranges() == [None, bytes_from(cut)]


@pytest.mark.parametrize("cut", CUTS)
def test_the_next_run_continues_the_download(server, fetch, tmp_path, cut):
    answers(server, Answer(sent=cut), *2 * [Answer(hang_up=True)])
    kept = f" to continue after {cut} bytes" if cut else ""
    with pytest.raises(UserError, match=f"; run again{kept}, or name a mirror or your own copy"):
        fetch()
    assert names(tmp_path) == ([PART] if cut else [])
    assert not cut or (tmp_path / PART).read_bytes() == CONTENT[:cut]
    assert fetch() == CONTENT
    assert server.ranges() == [None, *3 * [bytes_from(cut)]]


def test_a_connection_cut_in_a_chunk_is_continued(server, fetch):
    head = len(f"{SIZE:x}\r\n")
    answers(server, Answer(chunked=True, sent=head + 1000))
    assert fetch() == CONTENT
    assert server.ranges() == [None, "bytes=1000-"]


def test_new_bytes_reset_the_number_of_tries(server, fetch, sleeps):
    answers(server, *10 * [Answer(sent=1000), Answer(status=500)])
    assert fetch(patience=Patience(tries=3)) == CONTENT
    assert server.ranges()[-1] == "bytes=10000-"
    assert sleeps == 10 * [1, 2]


@pytest.mark.parametrize("fault", [Answer(hang_up=True), Answer(sent=0), Answer(status=500)])
def test_tries_without_new_bytes_end_after_growing_pauses(server, fetch, sleeps, fault):
    always(server, fault)
    with pytest.raises(UserError, match=r"cannot download a\.tar\.gz"):
        fetch(patience=Patience(tries=8, first_pause=1, longest_pause=20))
    assert len(server.requests) == 8
    assert sleeps == [1, 2, 4, 8, 16, 20, 20]


class TestRanges:
    def test_a_server_without_ranges_starts_from_the_beginning(self, server, fetch):
        answers(server, Answer(sent=HALF), Answer(ranges=False))
        assert fetch() == CONTENT
        assert server.ranges() == [None, bytes_from(HALF)]

    def test_without_ranges_repeated_bytes_do_not_count_as_progress(self, server, fetch, tmp_path):
        always(server, Answer(sent=HALF, ranges=False))
        with pytest.raises(UserError, match=f"to continue after {HALF} bytes"):
            fetch()
        assert len(server.requests) == QUICK.tries
        assert (tmp_path / PART).read_bytes() == CONTENT[:HALF]

    def test_a_range_shorter_than_requested_is_continued(self, server, fetch):
        answers(server, Answer(sent=1000), Answer(at_most=500), Answer(at_most=500))
        assert fetch() == CONTENT
        assert server.ranges() == [None, "bytes=1000-", "bytes=1500-", "bytes=2000-"]

    def test_another_range_than_requested_is_not_appended(self, server, fetch, capsys):
        answers(server, Answer(sent=HALF), Answer(first=HALF - 1))
        assert fetch() == CONTENT
        assert "the server sent other bytes than requested" in capsys.readouterr().out
        assert server.ranges() == [None, bytes_from(HALF), None]

    def test_a_complete_part_is_not_downloaded_again(self, server, fetch, tmp_path):
        """A run that is killed just before the renaming leaves such a file."""
        (tmp_path / PART).write_bytes(CONTENT)
        assert fetch() == CONTENT
        assert server.ranges() == [bytes_from(SIZE)]

    def test_a_part_longer_than_the_file_is_downloaded_again(self, server, fetch, tmp_path):
        (tmp_path / PART).write_bytes(CONTENT + b"more")
        assert fetch() == CONTENT
        assert server.ranges() == [bytes_from(SIZE + 4), None]


OTHER = random.Random(1).randbytes(SIZE)


def test_a_file_that_changes_between_two_parts_is_downloaded_again(server, fetch):
    server.content = OTHER
    answers(server, Answer(sent=HALF), *2 * [Answer(hang_up=True)])
    with pytest.raises(UserError):
        fetch()
    server.content = CONTENT
    assert fetch() == CONTENT
    assert server.ranges() == [None, *3 * [bytes_from(HALF)], None]


class TestMirrors:
    @pytest.mark.parametrize("status", [403, 404, 410, 204])
    def test_after_a_refusal_the_next_mirror_is_tried(self, server, fetch, status):
        always(server, Answer(status=status))
        assert fetch("/a", "/b") == CONTENT
        assert [r.path for r in server.requests] == ["/a", "/b"]

    def test_the_next_mirror_continues_the_download(self, server, fetch):
        answers(server, Answer(sent=HALF), *2 * [Answer(status=503)])
        assert fetch("/a", "/b") == CONTENT
        assert server.ranges("/b") == [bytes_from(HALF)]

    def test_after_a_wrong_md5_sum_the_next_mirror_starts_from_the_beginning(self, server, fetch):
        always(server, Answer(damage=True))
        assert fetch("/a", "/b") == CONTENT
        assert (server.ranges("/a"), server.ranges("/b")) == ([None], [None])

    def test_after_success_no_other_mirror_is_tried(self, server, fetch):
        assert fetch("/a", "/b") == CONTENT
        assert [r.path for r in server.requests] == ["/a"]

    def test_the_error_states_the_reason_of_each_mirror(self, server, fetch, tmp_path):
        always(server, Answer(status=404), "/a")
        always(server, Answer(hang_up=True), "/b")
        always(server, Answer(damage=True), "/c")
        with pytest.raises(UserError) as error:
            fetch("/a", "/b", "/c")
        sentence = str(error.value)
        assert "/a: 404 Not Found; " in sentence
        assert "/b: Empty reply from server; " in sentence
        damaged = hashlib.md5(bytes([CONTENT[0] ^ 255]) + CONTENT[1:]).hexdigest()
        assert f"/c: its MD5 sum is {damaged}, not {MD5}" in sentence
        assert "run again" in sentence and "ballroom" in sentence and "\n" not in sentence
        assert names(tmp_path) == []


class TestWrongLength:
    def test_a_content_length_that_is_too_short_gives_a_wrong_md5_sum(
        self, server, fetch, tmp_path
    ):
        always(server, Answer(wrong_length=-1000))
        with pytest.raises(UserError, match="its MD5 sum is"):
            fetch()
        assert names(tmp_path) == [] and len(server.requests) == 1

    def test_a_content_length_that_is_too_long_is_retried(self, server, fetch):
        always(server, Answer(wrong_length=1000))
        assert fetch() == CONTENT
        assert server.ranges() == [None, bytes_from(SIZE)]

    def test_content_length_is_optional(self, server, fetch):
        always(server, Answer(chunked=True))
        assert fetch() == CONTENT
        assert server.ranges() == [None]


class TestCorruptBytes:
    def test_a_damaged_part_is_downloaded_again(self, server, fetch):
        answers(server, Answer(damage=True, sent=HALF))
        assert fetch() == CONTENT
        assert server.ranges() == [None, bytes_from(HALF), None]

    def test_the_run_after_a_damaged_download_succeeds(self, server, fetch, tmp_path):
        answers(server, Answer(damage=True))
        with pytest.raises(UserError, match="its MD5 sum is"):
            fetch()
        assert names(tmp_path) == []
        assert fetch() == CONTENT
        assert server.ranges() == [None, None]

    def test_no_part_is_kept_if_all_downloads_are_damaged(self, server, fetch, tmp_path):
        answers(server, Answer(damage=True, sent=HALF), *9 * [Answer(damage=True)])
        with pytest.raises(UserError, match="its MD5 sum is"):
            fetch()
        assert names(tmp_path) == []
        assert server.ranges() == [None, bytes_from(HALF), None]

    def test_a_failed_download_keeps_the_existing_archive(self, server, fetch, tmp_path):
        (tmp_path / "a.tar.gz").write_bytes(b"old")
        always(server, Answer(damage=True))
        with pytest.raises(UserError):
            fetch()
        assert (tmp_path / "a.tar.gz").read_bytes() == b"old"


class TestOddAnswers:
    @pytest.mark.parametrize(
        "answer",
        [
            Answer(status=200),
            Answer(status=206),
            Answer(headers={"Content-Range": "bytes 0-9"}),
            Answer(status=206, headers={"Content-Range": f"bytes {'9' * 5000}-1/2"}),
        ],
    )
    @pytest.mark.parametrize("done", [0, HALF])
    def test_after_an_odd_answer_the_next_mirror_is_tried(
        self, server, fetch, tmp_path, answer, done
    ):
        (tmp_path / PART).write_bytes(CONTENT[:done])
        always(server, answer)
        assert fetch("/a", "/b") == CONTENT

    @pytest.mark.parametrize("status", [404, 503])
    def test_an_error_page_is_not_read_to_its_end(self, server, fetch, status):
        always(server, Answer(status=status, endless=True))
        assert fetch("/a", "/b") == CONTENT

    @pytest.mark.parametrize("header", ["Content-Range", "Content-Length"])
    def test_an_impossible_number_is_not_read(self, server, fetch, tmp_path, header):
        (tmp_path / PART).write_bytes(CONTENT[:HALF])
        value = f"bytes {'9' * 5000}-1/2" if header == "Content-Range" else "9" * 5000
        always(server, Answer(headers={header: value}))
        assert fetch("/a", "/b") == CONTENT

    def test_a_wrong_file_from_a_server_without_ranges_is_downloaded_once(
        self, server, fetch, tmp_path
    ):
        (tmp_path / PART).write_bytes(CONTENT[:HALF])
        always(server, Answer(damage=True, ranges=False))
        assert fetch("/a", "/b") == CONTENT
        assert len(server.ranges("/a")) == 1


class TestAddresses:
    def test_characters_outside_ascii_are_encoded(self, server, fetch):
        assert fetch("/Müller/ä b.tar.gz") == CONTENT
        assert server.requests[0].path == "/M%C3%BCller/%C3%A4%20b.tar.gz"

    def test_encoded_characters_stay(self, server, fetch):
        assert fetch("/a%20b?c=d&e=%2F#f") == CONTENT
        assert server.requests[0].path == "/a%20b?c=d&e=%2F"

    @pytest.mark.parametrize("url", ["http://[::1/a", f"http://{'ä' * 99}.example/a"])
    def test_after_an_invalid_address_the_next_mirror_is_tried(self, server, tmp_path, url):
        download([url, server.url("/b")], MD5, tmp_path / "a.tar.gz", QUICK)
        assert (tmp_path / "a.tar.gz").read_bytes() == CONTENT


@pytest.mark.parametrize("variable", BUNDLES)
def test_certificates_are_those_of_the_environment(server, tmp_path, monkeypatch, variable):
    for other in BUNDLES:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(variable, "/no/such/bundle.pem")
    secure = server.url("/a").replace("http:", "https:")
    with pytest.raises(UserError, match=r"/no/such/bundle\.pem"):
        download([secure], MD5, tmp_path / "a.tar.gz", QUICK)


class TestRedirects:
    def test_a_redirected_download_is_continued(self, server, fetch):
        always(server, Answer(status=302, headers={"Location": "/b"}))
        answers(server, Answer(sent=HALF), path="/b")
        assert fetch("/a") == CONTENT
        assert server.ranges("/b") == [None, bytes_from(HALF)]

    @pytest.mark.parametrize("target", ["/a", "ftp://127.0.0.1/a", "http://"])
    def test_after_an_invalid_redirect_the_next_mirror_is_tried(
        self, server, fetch, sleeps, target
    ):
        always(server, Answer(status=302, headers={"Location": target}))
        assert fetch("/a", "/b") == CONTENT
        assert sleeps == []


class TestSilence:
    @pytest.mark.timing
    def test_a_silent_connection_is_cut_and_continued(self, server, fetch):
        answers(server, Answer(sent=1000, stall=True))
        started = time.monotonic()
        assert fetch(patience=Patience(first_pause=0, silence=0.2)) == CONTENT
        assert 0.2 <= time.monotonic() - started < 5
        assert server.ranges() == [None, "bytes=1000-"]

    def test_a_server_without_an_answer_is_an_error(self, server, fetch):
        always(server, Answer(stall_before=True))
        with pytest.raises(UserError, match="/a: no answer in time"):
            fetch(patience=Patience(tries=2, first_pause=0, silence=0.1))
        assert len(server.requests) == 2


class TestStatuses:
    def test_status_500_is_retried(self, server, fetch, sleeps):
        answers(server, Answer(status=500), Answer(status=500))
        assert fetch(patience=Patience()) == CONTENT
        assert sleeps == [1, 2]

    @pytest.mark.parametrize("status", [408, 429, 502, 503])
    @pytest.mark.parametrize(
        ("retry_after", "pause"), [("7", 7), ("99999", 300), ("0", 1), ("soon", 1), (None, 1)]
    )
    def test_retry_after_is_limited(self, server, fetch, sleeps, status, retry_after, pause):
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        answers(server, Answer(status=status, headers=headers))
        assert fetch(patience=Patience()) == CONTENT
        assert sleeps == [pause]


def test_content_encoding_is_ignored(server, fetch):
    always(server, Answer(headers={"Content-Encoding": "gzip"}))
    assert fetch() == CONTENT
    assert server.requests[0].encoding == "identity"


class TestSpace:
    @pytest.fixture
    def free(self, monkeypatch):
        usage = namedtuple("usage", "free")

        def set_free(size):
            monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(size))

        return set_free

    def test_too_little_space_is_an_error_before_writing(self, server, fetch, tmp_path, free):
        free(SIZE - 100_000)
        with pytest.raises(UserError, match=r"takes 0\.3 MB, but only 0\.2 MB are free"):
            fetch("/a", "/b")
        assert names(tmp_path) == [] and len(server.requests) == 1

    def test_only_the_missing_bytes_have_to_fit(self, server, fetch, tmp_path, free):
        (tmp_path / PART).write_bytes(CONTENT[:HALF])
        free(SIZE - HALF - 1)
        with pytest.raises(UserError, match="MB are free"):
            fetch()
        assert (tmp_path / PART).read_bytes() == CONTENT[:HALF]
        free(SIZE - HALF)
        assert fetch() == CONTENT

    def test_the_space_of_a_replaced_part_counts_as_free(self, server, fetch, tmp_path, free):
        (tmp_path / PART).write_bytes(CONTENT[:HALF])
        always(server, Answer(ranges=False))
        free(SIZE - HALF)
        assert fetch() == CONTENT

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
    def test_after_a_full_disk_no_other_mirror_is_tried(self, server, fetch, tmp_path):
        (tmp_path / PART).symlink_to("/dev/full")
        with pytest.raises(OSError, match="No space left") as failure:
            fetch("/a", "/b")
        assert failure.value.errno == errno.ENOSPC and len(server.requests) == 1


def command_line(server, folder):
    """The command of the rule that downloads a.tar.gz."""
    arguments = ["--urls", server.url("/a"), "--md5", MD5, "--archive", str(folder / "a.tar.gz")]
    return [sys.executable, "-m", "workflow_scripts.steps.download", *arguments]


@pytest.mark.timing
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_run_after_a_signal_continues_the_download(server, tmp_path, number):
    answers(server, Answer(sent=1000, stall=True))
    command = command_line(server, tmp_path)
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        preexec_fn=restore_sigint,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    part, end = tmp_path / PART, time.monotonic() + DEADLINE
    while not (part.exists() and part.stat().st_size == 1000):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.005)
    process.send_signal(number)
    _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode != 0
    assert errors == ("" if number == signal.SIGKILL else "interrupted; run again to continue\n")
    assert not (tmp_path / "a.tar.gz").exists()
    subprocess.run(command, cwd=ROOT, check=True)
    assert (tmp_path / "a.tar.gz").read_bytes() == CONTENT
    assert server.ranges() == [None, bytes_from(1000)]
    assert names(tmp_path) == ["a.tar.gz"]


def test_a_failure_prints_one_sentence_without_traceback(server, tmp_path):
    always(server, Answer(status=404))
    done = subprocess.run(
        command_line(server, tmp_path), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot download a.tar.gz (http://127.0.0.1:")
    assert done.stderr.count("\n") == 1 and names(tmp_path) == []


def test_an_unreachable_server_is_an_error(server, fetch):
    server.close()
    with pytest.raises(UserError, match=r"/a: Failed to connect to 127\.0\.0\.1"):
        fetch()


@pytest.mark.parametrize("url", ["http://x:port/y", "http://[bad/x"])
def test_an_invalid_url_is_an_error(tmp_path, sleeps, url):
    with pytest.raises(UserError, match=re.escape(url)):
        download([url], MD5, tmp_path / "a.tar.gz")
    assert sleeps == [] and names(tmp_path) == []


def test_a_second_download_of_the_same_file_is_an_error(server, fetch, tmp_path):
    with FileLock(tmp_path / ".a.tar.gz.lock"), pytest.raises(UserError, match="another process"):
        fetch()
    assert server.requests == [] and not (tmp_path / PART).exists()
    assert fetch() == CONTENT


def test_an_archive_with_the_right_md5_sum_is_not_downloaded_again(server, fetch, tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(CONTENT)
    assert fetch() == CONTENT
    assert server.requests == []


def test_progress_is_printed_at_most_every_few_seconds(monkeypatch, capsys):
    now = iter([100, 104, 110, 112, 120])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    reporter = progress.Progress("audio.tar.gz", seconds=5)
    reporter.begin(200_000_000, 1_400_000_000)
    for done in (250, 300, 320, 400):
        reporter.show(done * 1_000_000)
    # 100 MB in 10 s, then 200 MB in 20 s: 10 MB/s. The bytes downloaded before do not count.
    assert capsys.readouterr().out.splitlines() == [
        "audio.tar.gz: 300MB of 1.40GB, 10.0MB/s, 01:50 left",
        "audio.tar.gz: 400MB of 1.40GB, 10.0MB/s, 01:40 left",
    ]


def test_progress_of_a_file_of_unknown_length(monkeypatch, capsys):
    now = iter([0, 10])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    reporter = progress.Progress("a.tar.gz")
    reporter.begin(0, None)
    reporter.show(10_000_000)
    assert capsys.readouterr().out == "a.tar.gz: 10.0MB, 1.00MB/s\n"


def test_a_pause_is_printed_with_its_reason(server, fetch, sleeps, capsys):
    answers(server, Answer(status=503, headers={"Retry-After": "7"}))
    fetch(patience=Patience())
    url = server.url("/a")
    assert f"{url}: 503 Service Unavailable; trying again in 7 s\n" in capsys.readouterr().out
