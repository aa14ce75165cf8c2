"""A file from the first mirror that gives it with the right MD5 sum."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from workflow_scripts.download.disk import md5_of, size_of
from workflow_scripts.download.progress import Progress
from workflow_scripts.download.transfer import Patience, ServerError, fetch
from workflow_scripts.errors import UserError


def download(urls: list[str], md5: str, archive: Path, patience: Patience | None = None) -> None:
    """Fetch `archive` from the first of `urls` that gives it with this MD5 sum.

    The bytes are kept in a hidden file beside `archive` until it is complete; the next mirror and
    the next call continue from there. Raises UserError if no mirror gives the file.
    """
    archive.parent.mkdir(parents=True, exist_ok=True)
    part = archive.with_name(f".{archive.name}.part")
    progress = Progress(archive.name)
    failures = []
    with _alone(archive):
        if archive.is_file() and md5_of(archive) == md5:
            return
        for url in urls:
            try:
                _fetch_checked(url, md5, part, patience or Patience(), progress)
            except ServerError as failure:
                failures.append(f"{url}: {failure}")
                progress.say(failures[-1])
            else:
                part.replace(archive)
                return
    kept = f" to continue after {size_of(part)} bytes" if size_of(part) else ""
    raise UserError(
        f"cannot download {archive.name} ({'; '.join(failures)}); run again{kept}, or name a "
        "mirror or your own copy under ballroom in the configuration"
    )


def _fetch_checked(url: str, md5: str, part: Path, patience: Patience, progress: Progress) -> None:
    """Fetch the file; if parts of several answers do not fit together, fetch it once more."""
    for _ in range(2):
        one_answer = fetch(url, part, patience, progress)
        found = md5_of(part)
        if found == md5:
            return
        part.unlink(missing_ok=True)
        if one_answer:
            break
    raise ServerError(f"its MD5 sum is {found}, not {md5}: it is damaged or has changed")


@contextmanager
def _alone(archive: Path) -> Iterator[None]:
    """Keep other processes from writing the same file; raise UserError if one does."""
    lock = FileLock(archive.with_name(f".{archive.name}.lock"))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise UserError(
            f"another process is downloading {archive}; wait for its end, then run again"
        ) from None
    try:
        yield
    finally:
        # Before it is released: a process that has opened the file sees that it is gone.
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
