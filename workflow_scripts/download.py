"""Download one archive and check its MD5 sum; nothing unchecked gets the final name."""

import argparse
import hashlib
import http.client
import shutil
import urllib.request
from pathlib import Path

from workflow_scripts.step import MENDABLE_OS_ERRORS, UserError, atomic, run

TIMEOUT = 60


def download(url: str, md5: str, archive: Path) -> None:
    """Fetch `url` into `archive`; raises UserError where that fails or the sum is another."""
    with atomic(archive) as path:
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as source, path.open("wb") as file:
                expected = source.headers.get("Content-Length")
                shutil.copyfileobj(source, file, 1 << 20)
        except (OSError, http.client.HTTPException, ValueError) as failure:
            if getattr(failure, "errno", None) in MENDABLE_OS_ERRORS:
                raise
            reason = getattr(failure, "reason", failure)
            raise UserError(
                f"cannot download {url}: {reason}; check the network and ballroom in "
                f"config.yaml, or put the archive at {archive} yourself"
            ) from None
        size = path.stat().st_size
        if expected is not None and size != int(expected):
            raise UserError(
                f"{url} broke off after {size} of {expected} bytes; run the command again"
            )
        if (found := md5_of(path)) != md5:
            raise UserError(
                f"{url} has the MD5 sum {found}, not {md5}: the file is damaged or has changed; "
                "run the command again"
            )


def md5_of(path: Path) -> str:
    """MD5 sum of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def main() -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--md5", required=True)
    parser.add_argument("--archive", type=Path, required=True, help="file to write")
    options = parser.parse_args()
    download(options.url, options.md5, options.archive)
    print(f"{options.url}: {options.archive.stat().st_size} bytes, MD5 sum as expected")


if __name__ == "__main__":
    run(main)
