"""The sound track of an MP4 file: ISO/IEC 14496-12."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workflow_scripts.regular_files import open_regular

# Boxes at one level; no real file has as many, apart from fragments.
MOST_BOXES = 100_000
# Bytes. The description of a film of some hours.
LARGEST_DESCRIPTION = 1 << 28


@dataclass(frozen=True)
class SoundTrack:
    """The codec (a code of four bytes) and the duration, 0 if it is not stated."""

    codec: bytes
    seconds: float


@dataclass(frozen=True)
class Movie:
    """The first sound track, None if there is none, and whether the last box is complete."""

    sound: SoundTrack | None
    is_complete: bool


def read(path: Path, start: int = 0) -> Movie:
    """The sound track of a file. What is damaged is left out."""
    sound, is_complete = None, True
    with open_regular(path) as file:
        size, place = file.seek(0, 2), start
        for _ in range(MOST_BOXES):
            file.seek(place)
            head = file.read(16)
            if len(head) < 8:
                break
            length, name = struct.unpack(">I4s", head[:8])
            header = 8
            if length == 1 and len(head) == 16:
                (length,), header = struct.unpack(">8xQ", head), 16
            # A size of 0 extends to the end of the file.
            length = length or size - place
            if length < header:
                break
            is_complete = place + length <= size
            if name == b"moov" and length < LARGEST_DESCRIPTION:
                file.seek(place + header)
                sound = _sound(file.read(length - header))
            # The end may also be farther than a file can be.
            if not is_complete:
                break
            place += length
    return Movie(sound, is_complete)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The name and the content of each box."""
    place = 0
    while place + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        if length < 8:
            return
        yield name, data[place + 8 : place + length]
        place += length


def _inside(data: bytes, *names: bytes) -> bytes:
    """The content of the box at a path of names; empty if there is none."""
    for name in names:
        data = next((content for found, content in _boxes(data) if found == name), b"")
    return data


def _sound(movie: bytes) -> SoundTrack | None:
    movie_scale, _ = _clock(_inside(movie, b"mvhd"))
    for name, track in _boxes(movie):
        media = _inside(track, b"mdia") if name == b"trak" else b""
        if _inside(media, b"hdlr")[8:12] != b"soun":
            continue
        scale, duration = _clock(_inside(media, b"mdhd"))
        seconds = duration / scale if scale else 0.0
        edited = _edited(_inside(track, b"edts", b"elst"))
        if edited and movie_scale:
            # An edit list may leave out a part of the track; silence before it is not decoded.
            seconds = min(seconds, edited / movie_scale)
        return SoundTrack(_inside(media, b"minf", b"stbl", b"stsd")[12:16], seconds)
    return None


def _clock(header: bytes) -> tuple[int, int]:
    """The units per second and the duration in an mvhd or mdhd box; 0 if it is not known."""
    form, unknown = (">20xIQ", 2**64 - 1) if header[:1] == b"\1" else (">12xII", 2**32 - 1)
    if len(header) < struct.calcsize(form):
        return 0, 0
    scale, duration = struct.unpack_from(form, header)
    return scale, 0 if duration == unknown else duration


def _edited(edits: bytes) -> int:
    """The duration of all edits that are not empty, in units of the movie."""
    form = struct.Struct(">Qq4x" if edits[:1] == b"\1" else ">Ii4x")
    entries = edits[8:]
    whole = len(entries) - len(entries) % form.size
    return sum(duration for duration, start in form.iter_unpack(entries[:whole]) if start >= 0)
