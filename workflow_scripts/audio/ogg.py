"""What is missing from an Ogg file: https://www.rfc-editor.org/rfc/rfc3533, section 6."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path

from workflow_scripts.regular_files import open_regular

HEADER = struct.Struct("<4sBBqIIIB")
FIRST_PAGE, LAST_PAGE = 2, 4
# Bytes. A sparse file may have gigabytes after its last page.
LARGEST_GAP = 1 << 20
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
    open_streams: dict[int, Stream] = {}
    # Streams that are interleaved are one link of the chain.
    chain: list[list[Stream]] = []
    end = 0
    with open_regular(path) as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        size = len(data)
        for page in pages(data, start):
            end = page.ends
            if page.flags & FIRST_PAGE:
                if not chain or all(stream.is_ended for stream in chain[-1]):
                    chain.append([])
                open_streams[page.serial] = Stream(_rate(page.content), page.number)
                chain[-1].append(open_streams[page.serial])
                open_streams[page.serial].is_ended = bool(page.flags & LAST_PAGE)
            elif page.serial in open_streams:
                open_streams[page.serial].add(page)
    streams = [stream for link in chain for stream in link]
    if end > size or not all(stream.is_ended for stream in streams):
        return "the end of its Ogg stream is missing"
    if any(stream.has_hole for stream in streams):
        return "a part of its Ogg stream is missing"
    whole = sum(max(stream.seconds() for stream in link) for link in chain)
    return f"{seconds:.1f} of {whole:.1f} s remain" if seconds < whole - tolerance else None


def pages(data: mmap, start: int) -> Iterator[Page]:
    """The pages of a file from a place on; what is between them is skipped, up to LARGEST_GAP."""
    place = data.find(b"OggS", start, start + LARGEST_GAP)
    while place >= 0:
        if len(data) < place + HEADER.size:
            yield Page(0, NO_GRANULE, -1, 0, b"", len(data) + 1)
            return
        _, _, flags, granule, serial, number, _, n_segments = HEADER.unpack_from(data, place)
        body = place + HEADER.size + n_segments
        ends = body + sum(data[place + HEADER.size : body])
        yield Page(flags, granule, serial, number, data[body : min(ends, body + 64)], ends)
        place = data.find(b"OggS", ends, ends + LARGEST_GAP)


def _rate(packet: bytes) -> float | None:
    for name, place in CODECS.items():
        if packet.startswith(name):
            if place is None:
                return OPUS_RATE
            rate: int = struct.unpack_from("<I", packet.ljust(64, b"\0"), place)[0]
            return rate or None
    return None
