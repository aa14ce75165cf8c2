"""What is missing from an Ogg file: https://www.rfc-editor.org/rfc/rfc3533, section 6."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HEADER = struct.Struct("<4sBBqIIIB")
FIRST_PAGE, LAST_PAGE = 2, 4
# The granule position of a page on which no packet ends.
NO_GRANULE = -1
OPUS_RATE = 48000
# How a stream's first packet starts, and where the sampling rate is in it.
CODECS = {b"OpusHead": None, b"\x01vorbis": 12, b"Speex   ": 36}


@dataclass(frozen=True)
class Page:
    """A page; `ends` is the place after it, which may be beyond the end of the file."""

    flags: int
    granule: int
    serial: int
    number: int
    content: bytes
    ends: int


@dataclass
class Stream:
    """A logical stream: its rate, None if it is not known, and the granules of its pages."""

    rate: float | None
    number: int
    first: int | None = None
    last: int | None = None
    has_hole: bool = False
    is_ended: bool = False

    def add(self, page: Page) -> None:
        """Count a further page of the stream."""
        self.has_hole |= page.number != self.number + 1
        self.number = page.number
        self.is_ended |= bool(page.flags & LAST_PAGE)
        # The headers' pages have the position 0.
        if page.granule > 0:
            self.first = page.granule if self.first is None else self.first
            self.last = page.granule

    def seconds(self) -> float:
        """The duration without the first page: a stream may start at any position."""
        if self.rate is None or self.first is None or self.last is None:
            return 0.0
        return (self.last - self.first) / self.rate


def what_is_missing(path: Path, start: int, seconds: float, tolerance: float) -> str | None:
    """What is missing from a file that decodes to `seconds`; None if nothing is missing.

    Streams may be interleaved, or follow each other (chained). Each starts at any position.
    """
    data = path.read_bytes()[start:]
    open_streams: dict[int, Stream] = {}
    streams, end = [], 0
    for page in pages(data):
        end = page.ends
        if page.flags & FIRST_PAGE:
            open_streams[page.serial] = Stream(_rate(page.content), page.number)
            streams.append(open_streams[page.serial])
            open_streams[page.serial].is_ended = bool(page.flags & LAST_PAGE)
        elif page.serial in open_streams:
            open_streams[page.serial].add(page)
    if end > len(data) or not all(stream.is_ended for stream in streams):
        return "the end of its Ogg stream is missing"
    if any(stream.has_hole for stream in streams):
        return "a part of its Ogg stream is missing"
    longest = max((stream.seconds() for stream in streams), default=0.0)
    return f"{seconds:.1f} of {longest:.1f} s remain" if seconds < longest - tolerance else None


def pages(data: bytes) -> Iterator[Page]:
    """The pages of a file; what is between them is skipped."""
    place = data.find(b"OggS")
    while place >= 0:
        if len(data) < place + HEADER.size:
            yield Page(0, NO_GRANULE, -1, 0, b"", len(data) + 1)
            return
        _, _, flags, granule, serial, number, _, n_segments = HEADER.unpack_from(data, place)
        body = place + HEADER.size + n_segments
        ends = body + sum(data[place + HEADER.size : body])
        yield Page(flags, granule, serial, number, data[body : min(ends, body + 64)], ends)
        found = re.compile(b"OggS").search(data, ends)
        place = found.start() if found else -1


def _rate(packet: bytes) -> float | None:
    for name, place in CODECS.items():
        if packet.startswith(name):
            if place is None:
                return OPUS_RATE
            rate: int = struct.unpack_from("<I", packet.ljust(64, b"\0"), place)[0]
            return rate or None
    return None
