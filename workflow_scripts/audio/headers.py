"""What a file states about its sound: codec, sampling rate, channels and duration."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from workflow_scripts.audio import mp4
from workflow_scripts.audio.containers import Recognised
from workflow_scripts.regular_files import open_regular

# Chunks before the sound; no real file has as many.
MOST_CHUNKS = 1000
EXTENSIBLE = 0xFFFE
# In an EXTENSIBLE format: where the valid bits and the real format tag are.
VALID_BITS, REAL_TAG = 18, 24
FLOAT = 3
# Bytes of the name and the size of a chunk in Wave64.
W64_CHUNK_HEAD = 24
# Format tags of WAV: PCM and floating point; then those that FFmpeg in Essentia decodes as well:
# A-law, u-law, GSM, MP2, MP3, WMA, AC-3 and FLAC. Other codecs crash Essentia.
WAV_PLAIN = frozenset([1, 3])
WAV_CODED = frozenset([6, 7, 0x31, 0x50, 0x55, 0x160, 0x161, 0x162, 0x163, 0x2000, 0xF1AC])
AIFF_CODECS = frozenset(
    b"NONE none twos sowt in24 in32 23ni fl32 FL32 fl64 FL64 alaw ALAW ulaw ULAW".split()
)
AU_CODECS = frozenset([1, 2, 3, 4, 5, 6, 7, 27])
# Bytes per sample in AU, by encoding.
AU_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}
# The name of a codec in Matroska, after its length.
MATROSKA_CODEC = re.compile(rb"\x86([\x82-\xa0])(A_[A-Z0-9_/]{1,30})")
MATROSKA_CODECS = (
    *(b"A_VORBIS", b"A_FLAC", b"A_AAC", b"A_MPEG", b"A_AC3", b"A_EAC3", b"A_PCM", b"A_TTA1"),
    *(b"A_WAVPACK4", b"A_ALAC", b"A_REAL", b"A_TRUEHD", b"A_MS/ACM"),
)
# Codes of MP4 and QuickTime; other codecs crash Essentia.
MP4_CODECS = frozenset(
    b"mp4a alac .mp3 ac-3 ec-3 lpcm ulaw alaw NONE twos sowt in24 in32 fl32 fl64".split()
) | {b"raw ", b"ms\0\x55"}
PROTECTED = frozenset([b"drms", b"enca"])
# Bytes. Programs that write WAV to a pipe state this size or more, as they do not know it.
UNKNOWN_SIZE = 0x7FFF0000
# Share of the bytes. A smaller loss does not matter.
LOSS = 0.01


@dataclass(frozen=True)
class Header:
    """What a file states; None if it does not, or if it is left to the decoder.

    `essentia` is the order of Essentia among the decoders: "first", "second", or "never", as it
    crashes or returns noise; `codec` then names the codec. `libsndfile`: whether it decodes the
    codec right. `stated` is the duration in seconds, `present` that of the bytes that are there.
    `is_exact`: samples have a fixed size, so a decoder that returns more than stated took them for
    others. `is_cut`: a codec without fixed rate has fewer bytes than stated.
    """

    essentia: str = "first"
    codec: str = ""
    rate: float | None = None
    channels: int | None = None
    stated: float | None = None
    present: float | None = None
    is_cut: bool = False
    is_exact: bool = False
    libsndfile: bool = True


def read(path: Path, file: Recognised) -> Header:
    """The header of a file. What is damaged is left to the decoder."""
    readers = {
        **{".wav": _wav, ".w64": _w64, ".aiff": _aiff},
        **{".au": _au, ".flac": _flac, ".ogg": _ogg},
    }
    if file.container.suffix == ".mka":
        return _matroska(file.head)
    if file.container.suffix == ".m4a":
        return _mp4(path, file.start)
    reader = readers.get(file.container.suffix)
    if reader is None:
        return Header()
    with open_regular(path) as opened:
        size = opened.seek(0, 2)
        opened.seek(file.start)
        try:
            return reader(opened, size)
        # A damaged header may raise any error; the decoder says what is wrong.
        except Exception:
            return Header()


def chunks(file: BinaryIO, order: str) -> Iterator[tuple[bytes, int]]:
    """The name and the size of each chunk of a RIFF or IFF file, with `file` at its content."""
    for _ in range(MOST_CHUNKS):
        place = file.tell() + 8
        head = file.read(8)
        if len(head) < 8:
            return
        name, size = struct.unpack(f"{order}4sI", head)
        yield name, size
        file.seek(place + size + size % 2)


def _wav(file: BinaryIO, size: int) -> Header:
    order = ">" if file.read(12)[:4] == b"RIFX" else "<"
    tag, channels, rate, align, codec, large = 0, 0, 0, 0, "", None
    for name, length in chunks(file, order):
        if name == b"ds64":
            (large,) = struct.unpack("<8xQ", file.read(16))
        elif name == b"fmt ":
            content = file.read(min(length, 40)).ljust(16, b"\0")
            tag, channels, rate, align, bits = struct.unpack(f"{order}HHI4xHH", content[:16])
            if tag == EXTENSIBLE and len(content) == 40:
                (tag,) = struct.unpack_from(f"{order}I", content, REAL_TAG)
                # FFmpeg takes the valid bits for the size of a sample, unless they are 0.
                bits = struct.unpack_from(f"{order}H", content, VALID_BITS)[0] or bits
            codec = _padded(tag, bits, align, channels)
        elif name == b"data":
            if large is not None and length >= UNKNOWN_SIZE:
                length = large
            there = size - file.tell()
            # The writer did not know the size.
            is_unknown = not length or length >= UNKNOWN_SIZE > there
            if tag in WAV_PLAIN:
                per_second = rate * align
                stated = None if is_unknown else _over(length, per_second)
                present = _over(there if is_unknown else min(length, there), per_second)
                essentia = "never" if codec else "first"
                return Header(essentia, codec, rate, channels, stated, present, is_exact=True)
            is_cut = not is_unknown and there < length * (1 - LOSS)
            essentia = "second" if tag in WAV_CODED else "never"
            return Header(essentia, f"codec {tag:#06x}", rate, channels, is_cut=is_cut)
    return Header("first" if tag in WAV_PLAIN else "never")


def _padded(tag: int, bits: int, align: int, channels: int) -> str:
    """What the samples are if they have more bytes than their bits take; otherwise empty.

    FFmpeg takes such samples for shorter ones. `align` is the number of bytes of all channels.
    """
    width = align // channels if channels and align % channels == 0 else 0
    # Of floating-point samples, FFmpeg knows the size by other means.
    if tag == FLOAT or not bits or width not in (2, 3, 4) or (bits + 7) // 8 == width:
        return ""
    return f"{bits}-bit samples in {8 * width} bits"


def _w64(file: BinaryIO, size: int) -> Header:
    """The chunks have names of 16 bytes, sizes that count their heads, and start at eighths."""
    place = 40
    for _ in range(MOST_CHUNKS):
        file.seek(place)
        name, length = struct.unpack("<4s12xQ", file.read(W64_CHUNK_HEAD))
        if not W64_CHUNK_HEAD <= length <= size:
            break
        if name == b"fmt ":
            content = file.read(min(length - W64_CHUNK_HEAD, 40))
            tag, channels, rate = struct.unpack("<HHI", content[:8])
            is_float = tag == EXTENSIBLE and content[REAL_TAG : REAL_TAG + 1] == bytes([FLOAT])
            # libsndfile takes these samples for integers.
            codec = "floating-point samples in an extensible header" if is_float else ""
            return Header("never", codec, rate, channels, libsndfile=not is_float)
        place += length + -length % 8
    return Header()


def _aiff(file: BinaryIO, size: int) -> Header:
    kind = file.read(12)[8:]
    rate, channels, frames, sound = 0.0, 0, 0, 0
    for name, length in chunks(file, ">"):
        if name == b"COMM":
            content = file.read(min(length, 22))
            channels, frames, width, sign, mantissa = struct.unpack(">HIHHQ", content[:18])
            # A number of 80 bits: sign, exponent and mantissa.
            rate = mantissa * 2.0 ** ((sign & 0x7FFF) - 16383 - 63)
            if kind == b"AIFC" and content[18:22] not in AIFF_CODECS:
                return Header("never", _printable(content[18:22]), rate, channels)
            sound = channels * ((width + 7) // 8)
        elif name == b"SSND":
            there = size - file.tell() - 8
            present = min(frames, there / max(sound, 1)) / rate if rate and sound else None
            return Header("first", "", rate, channels, _over(frames, rate), present)
    return Header("first", "", rate, channels, _over(frames, rate))


def _au(file: BinaryIO, size: int) -> Header:
    order = ">" if file.read(4) == b".snd" else "<"
    start, length, encoding, rate, channels = struct.unpack(f"{order}IIIII", file.read(20))
    if encoding not in AU_CODECS:
        return Header("never", f"encoding {encoding}", rate, channels)
    there = size - start
    per_second = AU_WIDTHS[encoding] * channels * rate
    stated = None if length >= UNKNOWN_SIZE or not length else _over(length, per_second)
    return Header("first", "", rate, channels, stated, _over(there, per_second))


def _flac(file: BinaryIO, size: int) -> Header:
    info = file.read(26)
    packed = int.from_bytes(info[18:26], "big")
    rate, channels, frames = packed >> 44, (packed >> 41 & 7) + 1, packed & (1 << 36) - 1
    return Header("first", "", rate, channels, _over(frames, rate) if frames else None)


def _ogg(file: BinaryIO, size: int) -> Header:
    """The stream's header packet is in the first page; of several streams, in the first pages."""
    head = file.read(4096)
    if b"OpusHead" in head:
        return Header("never", "Opus")
    if (place := head.find(b"\x01vorbis")) >= 0:
        channels, rate = struct.unpack("<BI", head[place + 11 : place + 16])
        return Header("first", "", rate, channels)
    if b"Speex   " in head:
        return Header("never", "Speex")
    return Header()


def _matroska(head: bytes) -> Header:
    codecs = [name[: length[0] & 127] for length, name in MATROSKA_CODEC.findall(head)]
    if not codecs or any(codec.startswith(MATROSKA_CODECS) for codec in codecs):
        return Header()
    return Header("never", codecs[0].decode()[2:])


def _mp4(path: Path, start: int) -> Header:
    sound = mp4.read(path, start).sound
    if sound is None:
        return Header()
    if sound.codec in PROTECTED:
        return Header("never", "copy protection")
    essentia = "first" if sound.codec in MP4_CODECS else "never"
    return Header(essentia, _printable(sound.codec), stated=sound.seconds or None)


def _printable(code: bytes) -> str:
    return code.decode("ascii", "backslashreplace").strip()


def _over(amount: float, per_second: float) -> float | None:
    return amount / per_second if per_second else None
