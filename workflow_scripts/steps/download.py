"""Download one archive and check its MD5 sum; nothing unchecked gets the final name."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from workflow_scripts.download.disk import md5_of
from workflow_scripts.download.partial import Partial
from workflow_scripts.download.progress import Progress
from workflow_scripts.download.transfer import Patience, ServerError, fetch
from workflow_scripts.errors import UserError
from workflow_scripts.process import run


def download(urls: list[str], md5: str, archive: Path, patience: Patience | None = None) -> None:
    """Fetch `archive` from the first of `urls` that gives it with this MD5 sum.

    What has arrived lies hidden beside `archive` until it is whole; the next address and the next
    call go on from there. Raises UserError where no address helps.
    """
    patience = patience or Patience()
    archive.parent.mkdir(parents=True, exist_ok=True)
    partial = Partial(archive.with_name(f".{archive.name}.part"))
    progress = Progress(archive.name)
    failures = []
    with _alone(archive):
        if archive.is_file() and md5_of(archive) == md5:
            return
        for url in urls:
            try:
                _fetch_checked(url, md5, partial, patience, progress)
            except ServerError as failure:
                failures.append(f"{url}: {failure}")
                progress.say(failures[-1])
            else:
                partial.become(archive)
                return
    kept = f" to go on after {partial.size} bytes" if partial.size else ""
    raise UserError(
        f"cannot download {archive.name} ({'; '.join(failures)}); run again{kept}, or name a "
        "mirror or an archive of your own under ballroom in the config"
    )


def _fetch_checked(
    url: str, md5: str, partial: Partial, patience: Patience, progress: Progress
) -> None:
    """Fetch the file; bytes of several answers that do not fit together, once more as one."""
    for _ in range(2):
        fetch(url, partial, patience, progress)
        found = md5_of(partial.path)
        if found == md5:
            return
        in_one_piece = partial.in_one_piece
        partial.remove()
        if in_one_piece:
            break
    raise ServerError(f"its MD5 sum is {found}, not {md5}: it is damaged or has changed")


@contextmanager
def _alone(archive: Path) -> Iterator[None]:
    """Let no second process write the same partial file; raises UserError if one does."""
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
        # While it is held: who opened it before finds that it is gone and makes another.
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def main() -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--urls", nargs="+", required=True, help="the file's address, its mirrors'")
    parser.add_argument("--md5", required=True)
    parser.add_argument("--archive", type=Path, required=True, help="file to write")
    options = parser.parse_args()
    download(options.urls, options.md5, options.archive)
    size = options.archive.stat().st_size
    print(f"{options.archive}: {size} bytes, MD5 sum as expected")


if __name__ == "__main__":
    run(main)
