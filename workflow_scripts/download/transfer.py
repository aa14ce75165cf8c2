"""One file from one HTTP server: ask for what is missing until all of it is here."""

import http.client
import re
from dataclasses import dataclass

import requests
import urllib3
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
)

from workflow_scripts.download.disk import require_space
from workflow_scripts.download.partial import Partial
from workflow_scripts.download.progress import Progress

BLOCK = 1 << 16


@dataclass(frozen=True)
class Patience:
    """How long to bear with a server: tries in a row without a new byte; the rest in seconds."""

    tries: int = 6
    first_pause: float = 1
    longest_pause: float = 60
    longest_retry_after: int = 300
    silence: float = 60


class ServerError(Exception):
    """A server does not give the file; its text says why."""


class PassingError(ServerError):
    """It may give it if asked again, after `pause` seconds or more."""

    def __init__(self, reason: str, pause: float = 0) -> None:
        super().__init__(reason)
        self.pause = pause


# Neither time nor another attempt mends these.
FINAL = (
    requests.TooManyRedirects,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
)


def fetch(url: str, partial: Partial, patience: Patience, progress: Progress) -> None:
    """Bring `partial` to its end from `url`.

    Raises ServerError where the server refuses or `patience` ends (what has arrived stays), and
    UserError where the disk is too small.
    """
    pauses = wait_exponential(multiplier=patience.first_pause, max=patience.longest_pause)

    def pause(state: RetryCallState) -> float:
        return max(pauses(state), getattr(_failure(state), "pause", 0))

    def tell(state: RetryCallState) -> None:
        progress.say(f"{url}: {_failure(state)}; trying again in {state.upcoming_sleep:.0f} s")

    furthest = partial.size
    for attempt in Retrying(
        retry=retry_if_exception_type(PassingError),
        stop=stop_after_attempt(patience.tries),
        wait=pause,
        before_sleep=tell,
        reraise=True,
    ):
        with attempt:
            try:
                _ask(url, partial, patience, progress)
            finally:
                # New bytes, not those of a server that always begins at the start: all tries anew.
                if partial.size > furthest:
                    furthest = partial.size
                    attempt.retry_state.attempt_number = 1


def _failure(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _ask(url: str, partial: Partial, patience: Patience, progress: Progress) -> None:
    """Send one request and append what it brings."""
    # Compressed on its way the file would have another length and other ranges.
    headers = {"Accept-Encoding": "identity"} | partial.rest_of(url)
    try:
        with requests.get(url, headers=headers, stream=True, timeout=patience.silence) as answer:
            if answer.status_code == 416 and partial.size:
                return  # Nothing lies beyond what is here; the MD5 sum tells whether it is right.
            _check_status(answer, patience)
            total = _begin(answer, url, partial)
            progress.begin(partial.size, total)
            _append(answer, partial, progress)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as failure:
        kind = ServerError if isinstance(failure, FINAL) else PassingError
        raise kind(_reason(failure)) from None
    if total is not None and partial.size < total:
        raise PassingError(f"the answer ended after {partial.size} of {total} bytes")


def _check_status(answer: requests.Response, patience: Patience) -> None:
    if answer.status_code in (200, 206):
        return
    said = f"{answer.status_code} {answer.reason}".strip()
    if answer.status_code in (408, 429) or answer.status_code >= 500:
        reader = urllib3.Retry(retry_after_max=patience.longest_retry_after)
        raise PassingError(said, reader.get_retry_after(answer.raw) or 0)
    raise ServerError(said)


def _begin(answer: requests.Response, url: str, partial: Partial) -> int | None:
    """Check what the answer holds and whether it fits; returns the whole file's bytes if known."""
    total = None
    if answer.status_code == 206:
        found = re.match(r"bytes (\d+)-\d+/(\d+|\*)$", answer.headers.get("Content-Range", ""))
        if found is None or int(found[1]) != partial.size:
            partial.remove()
            raise PassingError("other bytes came than were asked for")
        total = None if found[2] == "*" else int(found[2])
    elif answer.headers.get("Content-Length", "").isdecimal():
        total = int(answer.headers["Content-Length"])
    if total is not None:
        # An answer from the start takes the place of what is here.
        require_space(partial.path.parent, total - partial.size, f"downloading the rest of {url}")
    if answer.status_code == 206:
        partial.in_one_piece = False
    else:
        partial.restart(url, _version(answer))
    return total


def _version(answer: requests.Response) -> str | None:
    """What If-Range may name; a weak ETag does not promise the same bytes."""
    tag = answer.headers.get("ETag")
    return tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified")


def _append(answer: requests.Response, partial: Partial, progress: Progress) -> None:
    with partial.path.open("ab") as file:
        # As it arrives: what a stalled or dying connection has sent so far is not lost.
        while block := answer.raw.read1(BLOCK, decode_content=False):
            file.write(block)
            file.flush()
            progress.show(file.tell())


def _reason(failure: BaseException) -> str:
    """What is at the bottom of an exception of requests', which wraps others, in a few words."""
    while cause := failure.__cause__ or failure.__context__:
        failure = cause
    if isinstance(failure, TimeoutError):
        return "no answer in time"
    if isinstance(failure, http.client.HTTPException):
        return "the connection broke off"
    return getattr(failure, "strerror", None) or str(failure)
