"""Download one archive and check its MD5 sum."""

import argparse
from pathlib import Path

from workflow_scripts.download.mirrors import download
from workflow_scripts.process import run


def main() -> None:
    """Write the archive from the first mirror that provides it, once its MD5 sum is checked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--urls", nargs="+", required=True, help="address of the archive, then its mirrors"
    )
    parser.add_argument("--md5", required=True, help="MD5 sum of the archive")
    parser.add_argument("--archive", type=Path, required=True, help="file to write")
    options = parser.parse_args()
    download(options.urls, options.md5, options.archive)
    print(f"{options.archive}: {options.archive.stat().st_size} bytes, MD5 sum as expected")


if __name__ == "__main__":
    run(main)
