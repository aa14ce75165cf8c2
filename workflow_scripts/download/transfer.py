"""One file from one HTTP server, by libcurl; a new attempt continues after the bytes on disk."""

import os
import re
import string
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit, urlunsplit

import certifi
import pycurl

from workflow_scripts.download.disk import require_space, size_of
from workflow_scripts.download.progress import Progress

PROTOCOLS = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS
MOST_REDIRECTS = 20
# Variables that name the user's certificates, for example those of a company's proxy.
BUNDLES = ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
# Errors that no further attempt can change.
PERMANENT = (
    pycurl.E_UNSUPPORTED_PROTOCOL,
    pycurl.E_URL_MALFORMAT,
    pycurl.E_TOO_MANY_REDIRECTS,
)


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server: `tries` is consecutive attempts without a new byte, the rest
    are seconds.
    """

    tries: int = 6
    first_pause: float = 1
    longest_pause: float = 60
    longest_retry_after: int = 300
    silence: float = 60


class ServerError(Exception):
    """A server does not give the file; the text says why."""


class TemporaryError(ServerError):
    """A further attempt, after at least `pause` seconds, may succeed."""

    def __init__(self, reason: str, pause: float = 0) -> None:
        super().__init__(reason)
        self.pause = pause


def fetch(url: str, part: Path, patience: Patience, progress: Progress) -> bool:
    """Fetch the bytes of `url` that `part` lacks; return whether the file is from one answer.

    Raises ServerError if the server refuses or `patience` ends, which leaves `part` as it is, and
    UserError if the disk is too small.
    """
    furthest, tries = size_of(part), 0
    while True:
        try:
            return _attempt(url, part, patience, progress)
        except TemporaryError as error:
            # Only new bytes count, not those of a server that always starts from the beginning.
            tries = 1 if size_of(part) > furthest else tries + 1
            furthest = max(furthest, size_of(part))
            if tries == patience.tries:
                raise
            pause = min(patience.first_pause * 2 ** (tries - 1), patience.longest_pause)
            pause = max(pause, error.pause)
            progress.say(f"{url}: {error}; trying again in {pause:.0f} s")
            time.sleep(pause)


@dataclass
class _Answer:
    """What a server has sent: header lines of all answers so far, and blocks not yet written."""

    lines: list[bytes] = field(default_factory=list)
    blocks: list[bytes] = field(default_factory=list)

    def header(self, name: str) -> str:
        """The value of a header of the last answer; empty if it has none."""
        value = ""
        for line in (line.decode("latin-1") for line in self.lines):
            if line.startswith("HTTP/"):
                value = ""
            elif line.lower().startswith(f"{name}:"):
                value = line.partition(":")[2].strip()
        return value


def _attempt(url: str, part: Path, patience: Patience, progress: Progress) -> bool:
    """Send one request and write what it brings; return as `fetch`."""
    start = size_of(part)
    answer = _Answer()
    handle, transfers = _handle(url, start, answer), pycurl.CurlMulti()
    transfers.add_handle(handle)
    file: BinaryIO | None = None
    total = None
    try:
        arrived = time.monotonic()
        running = 1
        while running:
            _, running = transfers.perform()
            status = handle.getinfo(pycurl.RESPONSE_CODE)
            if answer.blocks and status >= HTTPStatus.BAD_REQUEST:
                # The text of an error page may be endless.
                break
            if answer.blocks and status in (200, 206):
                if file is None:
                    file, total = _open(handle, answer, part, url)
                    progress.begin(file.tell(), total)
                file.writelines(answer.blocks)
                file.flush()
                progress.show(file.tell())
            if answer.blocks:
                arrived = time.monotonic()
                answer.blocks.clear()
            elif time.monotonic() - arrived > patience.silence:
                raise TemporaryError("no answer in time")
            if running:
                transfers.select(min(1.0, patience.silence))
        status = _check(handle, transfers, answer, start, patience)
    finally:
        if file is not None:
            file.close()
        transfers.remove_handle(handle)
        transfers.close()
        handle.close()
    if total is not None and size_of(part) < total:
        raise TemporaryError(f"the answer ended after {size_of(part)} of {total} bytes")
    if status in (200, 206) and file is None:
        raise TemporaryError("the answer is empty")
    return start == 0 or status == HTTPStatus.OK


def _handle(url: str, start: int, answer: _Answer) -> Any:
    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, _ascii(url))
    handle.setopt(pycurl.PROTOCOLS, PROTOCOLS)
    handle.setopt(pycurl.REDIR_PROTOCOLS, PROTOCOLS)
    handle.setopt(pycurl.FOLLOWLOCATION, 1)
    handle.setopt(pycurl.MAXREDIRS, MOST_REDIRECTS)
    handle.setopt(pycurl.NOSIGNAL, 1)
    handle.setopt(pycurl.CAINFO, next(filter(None, map(os.environ.get, BUNDLES)), certifi.where()))
    # A compressed transfer would have other lengths and ranges.
    handle.setopt(pycurl.HTTPHEADER, ["Accept-Encoding: identity"])
    if start:
        handle.setopt(pycurl.RANGE, f"{start}-")
    # Methods written in C: a signal cannot raise an exception inside them, where it would be lost.
    handle.setopt(pycurl.HEADERFUNCTION, answer.lines.append)
    handle.setopt(pycurl.WRITEFUNCTION, answer.blocks.append)
    return handle


def _ascii(url: str) -> str:
    """The address as it is sent: the host in IDNA, other characters in percent-encoding."""
    try:
        parts = urlsplit(url)
        host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    except ValueError:
        raise ServerError("is not a valid address") from None
    return quote(urlunsplit(parts._replace(netloc=host)), safe=string.punctuation)


def _open(handle: Any, answer: _Answer, part: Path, url: str) -> tuple[BinaryIO, int | None]:
    """The file to write the answer into, and the size of the whole file if the server says it."""
    continues = handle.getinfo(pycurl.RESPONSE_CODE) == 206
    total: int | None = None
    if continues:
        # No file has more than 10**18 bytes, and Python reads no longer numbers than 4300 digits.
        number = r"([0-9]{1,18})"
        sent = re.fullmatch(
            rf"bytes {number}-{number}/({number}|\*)", answer.header("content-range")
        )
        if sent is None or int(sent[1]) != size_of(part):
            part.unlink(missing_ok=True)
            raise TemporaryError("the server sent other bytes than requested")
        total = None if sent[3] == "*" else int(sent[3])
    elif re.fullmatch("[0-9]{1,18}", answer.header("content-length")):
        total = int(answer.header("content-length"))
    if total is not None:
        # An answer from the beginning replaces the bytes on disk.
        require_space(part.parent, total - size_of(part), f"downloading the rest of {url}")
    return part.open("ab" if continues else "wb"), total


def _check(handle: Any, transfers: Any, answer: _Answer, start: int, patience: Patience) -> int:
    """The status. Raises ServerError unless the transfer was complete and the status allows it."""
    _, _, failed = transfers.info_read()
    for _, code, message in failed:
        raise (ServerError if code in PERMANENT else TemporaryError)(message)
    status = handle.getinfo(pycurl.RESPONSE_CODE)
    # 416: nothing follows the bytes on disk; the MD5 sum shows whether they are right.
    if status in (200, 206) or (status == 416 and start):
        return int(status)
    phrase = HTTPStatus(status).phrase if status in [*HTTPStatus] else ""
    reason = f"{status} {phrase}".strip()
    if status in (408, 429) or status >= 500:
        pause = min(handle.getinfo(pycurl.RETRY_AFTER), patience.longest_retry_after)
        raise TemporaryError(reason, pause)
    raise ServerError(reason)
