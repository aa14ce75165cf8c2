"""Streams of frames without a header: MPEG audio (MP3), AAC (ADTS) and AC-3.

A sync word alone is in every file of some kilobytes, so several frames must follow each other.
"""

import re
from collections.abc import Callable

# Frames that must follow each other. In 1 MiB of random bytes, three do with odds of 1 to 10^6.
FRAMES = 3
# Kilobits per second, by bitrate index; ISO/IEC 11172-3 and 13818-3.
MPEG1_RATES = {
    1: (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    2: (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
}
MPEG2_RATES = {
    1: (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    3: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
MPEG_SAMPLE_RATES = (44100, 48000, 32000)
# ETSI TS 102 366, table 4.13.
AC3_RATES = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
# Bits that all frames of a stream share, in the first four bytes.
SHARED = 0xFFFE0C00
# What no frame starts with is passed over fast, such as a run of equal bytes.
SYNC = re.compile(rb"\xff(?=[\xe0-\xff][^\xf4-\xff])|\x0b(?=\x77)")


def has_frames(data: bytes, frame_length: Callable[[bytes], int | None]) -> bool:
    """Whether FRAMES frames follow each other somewhere in `data`.

    `frame_length` returns the length of the frame whose first 7 bytes are given, None for others.
    """
    for sync in SYNC.finditer(data):
        place = first = sync.start()
        for _ in range(FRAMES):
            header = data[place : place + 7]
            length = frame_length(header) if len(header) == 7 else None
            if length is None or _shared(header) != _shared(data[first : first + 7]):
                break
            place += length
        else:
            return True
    return False


def mpeg_frame(header: bytes) -> int | None:
    """The length of a frame of MPEG audio, layer I to III, without free format."""
    if header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    rate, sampling, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer == 4 or rate in (0, 15) or sampling == 3:
        return None
    kilobits = (MPEG1_RATES if version == 3 else MPEG2_RATES)[layer][rate]
    hertz = MPEG_SAMPLE_RATES[sampling] >> {3: 0, 2: 1, 0: 2}[version]
    if layer == 1:
        return (12000 * kilobits // hertz + padding) * 4
    samples_per_bit = 72 if layer == 3 and version != 3 else 144
    return samples_per_bit * 1000 * kilobits // hertz + padding


def adts_frame(header: bytes) -> int | None:
    """The length of a frame of AAC in ADTS."""
    if header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or header[2] >> 2 & 15 > 12:
        return None
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length > 7 else None


def ac3_frame(header: bytes) -> int | None:
    """The length of a frame of AC-3."""
    sampling, size, version = header[4] >> 6, header[4] & 63, header[5] >> 3
    if header[:2] != b"\x0b\x77" or sampling == 3 or size // 2 >= len(AC3_RATES) or version > 10:
        return None
    kilobits = AC3_RATES[size // 2]
    if sampling == 1:
        return 2 * (320 * kilobits // 147 + size % 2)
    return kilobits * (4 if sampling == 0 else 6)


def _shared(header: bytes) -> int:
    return int.from_bytes(header[:4], "big") & (SHARED if header[0] == 0xFF else 0xFFFF0000)
