"""Audio files that no library here writes: MP4, Ogg from the middle of a stream, and others."""

import struct

import numpy as np

RATE = 44100


def box(name, *content):
    """A box of an MP4 file."""
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), name) + body


def mp4(signal, film=0.0, late=0.0, part=None, codec=b"sowt", stated=None, rate=RATE):
    """The bytes of an MP4 file of 16-bit samples (n,).

    `film` is the length of the film in seconds if longer than the sound, which starts after `late`
    seconds. `part`: the edit list uses only so many seconds. `stated`: of the sound, if not true.
    """
    sound = (np.asarray(signal) * 32767).astype("<i2").tobytes()
    n = len(sound) // 2
    seconds = n / rate if stated is None else stated
    shown = seconds if part is None else part
    edits = [(late, -1)] * (late > 0) + [(shown, 0)]
    entries = [struct.pack(">IiI", int(length * 1000), start, 0x10000) for length, start in edits]
    elst = box(b"elst", struct.pack(">II", 0, len(edits)), *entries)
    head = box(b"ftyp", b"M4A \0\0\0\0M4A isom")
    entry = box(codec, struct.pack(">6xH8xHHHHI", 1, 1, 16, 0, 0, rate << 16))

    def movie(offset):
        table = box(
            b"stbl",
            box(b"stsd", struct.pack(">II", 0, 1), entry),
            box(b"stts", struct.pack(">IIII", 0, 1, n, 1)),
            box(b"stsc", struct.pack(">IIIII", 0, 1, 1, n, 1)),
            box(b"stsz", struct.pack(">III", 0, 2, n)),
            box(b"stco", struct.pack(">III", 0, 1, offset)),
        )
        reference = box(b"dinf", box(b"dref", struct.pack(">II", 0, 1), box(b"url ", b"\0\0\0\1")))
        media = box(
            b"mdia",
            box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, rate, int(seconds * rate), 0x55C4, 0)),
            box(b"hdlr", struct.pack(">II4s", 0, 0, b"soun"), bytes(13)),
            box(b"minf", box(b"smhd", bytes(8)), reference, table),
        )
        length = int(max(film, late + shown) * 1000)
        matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
        tkhd = struct.pack(">IIIIII", 7, 0, 0, 1, 0, length) + bytes(8)
        tkhd += struct.pack(">HHHH", 0, 0, 0x100, 0) + matrix + bytes(8)
        mvhd = struct.pack(">IIIIIIH", 0, 0, 0, 1000, length, 0x10000, 0x100) + bytes(10)
        mvhd += matrix + bytes(24) + struct.pack(">I", 2)
        track = box(b"trak", box(b"tkhd", tkhd), box(b"edts", elst), media)
        return box(b"moov", box(b"mvhd", mvhd), track)

    offset = len(head) + len(movie(0)) + 8
    return head + movie(offset) + box(b"mdat", sound)


def ogg_pages(data):
    """The pages of an Ogg file, one after the other."""
    while data:
        n_segments = data[26]
        size = 27 + n_segments + sum(data[27 : 27 + n_segments])
        yield data[:size]
        data = data[size:]


def checked(page):
    """The page with its checksum (CRC-32 with the polynomial 0x04C11DB7, not reflected)."""
    page = bytearray(page)
    page[22:26] = bytes(4)
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    page[22:26] = struct.pack("<I", crc)
    return bytes(page)


def late_ogg(data, samples):
    """An Ogg file whose positions start at `samples`, as in a part of a longer stream."""
    pages = []
    for page in ogg_pages(data):
        (position,) = struct.unpack("<q", page[6:14])
        later = struct.pack("<q", position + samples if position > 0 else position)
        pages.append(checked(page[:6] + later + page[14:]))
    return b"".join(pages)


def mp3_in_wav(mp3):
    """A WAV file with the frames of a stereo MP3 file at 44.1 kHz."""
    form = struct.pack("<HHIIHHHHIHHH", 0x55, 2, RATE, 16000, 1, 0, 12, 1, 2, 1152, 1, 0)
    return (
        b"RIFF"
        + struct.pack("<I4s4sI", 36 + len(form) - 16 + len(mp3), b"WAVE", b"fmt ", 30)
        + (form + b"data" + struct.pack("<I", len(mp3)) + mp3)
    )
