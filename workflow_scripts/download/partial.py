"""The bytes of a file that have arrived so far, kept until the rest is here."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Partial:
    """A file on its way; beside it lies which version of it, at which address, it began as."""

    path: Path
    # Whether all of it came in one answer, so that asking again would bring the same bytes.
    in_one_piece: bool = False

    @property
    def _origin(self) -> Path:
        return self.path.with_name(f"{self.path.name}.origin")

    @property
    def size(self) -> int:
        """Bytes that are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    def rest_of(self, url: str) -> dict[str, str]:
        """HTTP headers that ask for the missing bytes, or for all if the file at `url` changed."""
        if self.size == 0:
            return {}
        headers = {"Range": f"bytes={self.size}-"}
        known_url, version = self._read_origin()
        # Another server's version says nothing about this one's file; the MD5 sum decides then.
        if version is not None and known_url == url:
            headers["If-Range"] = version
        return headers

    def _read_origin(self) -> tuple[str | None, str | None]:
        if not self._origin.exists():
            return None, None
        url, version = json.loads(self._origin.read_text())
        return url, version

    def restart(self, url: str, version: str | None) -> None:
        """Drop what is here; what comes now is this version of the file at `url`."""
        self.path.write_bytes(b"")
        self._origin.write_text(json.dumps([url, version]))
        self.in_one_piece = True

    def remove(self) -> None:
        """Leave nothing."""
        self.path.unlink(missing_ok=True)
        self._origin.unlink(missing_ok=True)

    def become(self, path: Path) -> None:
        """Take the final name."""
        self.path.replace(path)
        self.remove()
