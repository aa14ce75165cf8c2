"""Recognise what a file is by its content. No decoder sees the file's own name, so none guesses."""

import re
from dataclasses import dataclass
from pathlib import Path

from workflow_scripts.audio import elementary_streams
from workflow_scripts.regular_files import open_regular

# The decoders. Essentia uses FFmpeg.
ESSENTIA, LIBSNDFILE = "Essentia", "libsndfile"
BOTH, FFMPEG, SNDFILE = (ESSENTIA, LIBSNDFILE), (ESSENTIA,), (LIBSNDFILE,)
# Bytes, after tags, in which a file is recognised; in streams, the padding of a tag that does not
# count it may be before the first frame, or the cover in a tag of an unknown form.
HEAD, STREAM_HEAD = 1 << 16, 1 << 20
APE_TAG_HEAD = 32
# Tags in front of each other; no real file has more than two.
MOST_TAGS = 8


@dataclass(frozen=True)
class Container:
    """A kind of file that can hold sound.

    `name` has an article: "a WAV file". `suffix` is one by which FFmpeg knows it. `decoders` are in
    the order in which they are tried; without any, the kind is known but cannot be decoded.
    """

    name: str
    suffix: str = ""
    decoders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recognised:
    """The container of a file, the place where it starts, after tags, and its first bytes."""

    container: Container
    start: int
    head: bytes


OGG = Container("an Ogg file", ".ogg", BOTH)
# The first page of a stream. Decoders search for it, so some bytes may be in front of it.
OGG_START = re.compile(rb"OggS\0[\2\6]")
CONTAINERS = [
    (rb"(RIFF|RF64|BW64)....WAVE", Container("a WAV file", ".wav", BOTH)),
    # Big-endian. FFmpeg takes its samples for little-endian ones.
    (rb"RIFX....WAVE", Container("a WAV file", ".wav", SNDFILE)),
    (rb"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb", Container("a Wave64 file", ".w64", SNDFILE)),
    (rb"FORM....AIF[FC]", Container("an AIFF file", ".aiff", BOTH)),
    (rb"FORM....(8SVX|16SV)", Container("an IFF file", ".iff", SNDFILE)),
    (rb"\.snd", Container("an AU file", ".au", BOTH)),
    (rb"dns\.", Container("an AU file", ".au", SNDFILE)),
    (rb"caff", Container("a CAF file", ".caf", SNDFILE)),
    (rb"fLaC", Container("a FLAC file", ".flac", BOTH)),
    (rb"OggS", OGG),
    (rb"\x1a\x45\xdf\xa3", Container("a WebM or Matroska file", ".mka", FFMPEG)),
    (rb"\0...(ftyp|moov|free|skip|wide|pnot)|....mdat", Container("an MP4 file", ".m4a", FFMPEG)),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Container("a WMA file", ".wma", FFMPEG)),
    (rb"RIFF....XWMA", Container("an xWMA file", ".xwma", FFMPEG)),
    (rb"RIFF....AVI ", Container("an AVI file", ".avi", FFMPEG)),
    (rb"FLV\x01", Container("an FLV file", ".flv", FFMPEG)),
    (rb"\.RMF|\.ra\xfd", Container("a RealAudio file", ".rm", FFMPEG)),
    (rb"MAC ", Container("a Monkey's Audio file", ".ape", FFMPEG)),
    (rb"TTA1", Container("a TTA file", ".tta", FFMPEG)),
    (rb"wvpk", Container("a WavPack file", ".wv", FFMPEG)),
    (rb"MP\+|MPCK", Container("a Musepack file", ".mpc", FFMPEG)),
    (rb"ajkg", Container("a Shorten file", ".shn", FFMPEG)),
    (rb"tBaK", Container("a TAK file", ".tak", FFMPEG)),
    (rb"Creative Voice File\x1a", Container("a VOC file", ".voc", SNDFILE)),
    (rb"NIST_1A\n", Container("a NIST Sphere file", ".nist", SNDFILE)),
    (rb" paf|fap ", Container("a PARIS file", ".paf", SNDFILE)),
    (rb"\x64\xa3[\x01-\x04]\0|\0[\x01-\x04]\xa3\x64", Container("an IRCAM file", ".sf", SNDFILE)),
    (rb"PVF1\n", Container("a PVF file", ".pvf", SNDFILE)),
    (rb"2BIT", Container("an AVR file", ".avr", SNDFILE)),
    (rb"ALawSoundFile\*\*", Container("a Psion file", ".wve", SNDFILE)),
    (rb"Extended Instrument: ", Container("an XI instrument", ".xi", SNDFILE)),
    (rb"#!AMR", Container("an AMR file")),
    (rb"DSD |FRM8", Container("a DSD file")),
    (rb"\x7f\xfe\x80\x01", Container("a DTS file")),
    (rb"G(.{187}G){3}", Container("an MPEG transport stream")),
    (rb"\0\0\x01\xba", Container("an MPEG program stream")),
]
# Without a header; each frame starts with a sync word.
STREAMS = [
    (elementary_streams.mpeg_frame, Container("an MP3 file", ".mp3", BOTH)),
    (elementary_streams.adts_frame, Container("an AAC file", ".aac", FFMPEG)),
    (elementary_streams.ac3_frame, Container("an AC-3 file", ".ac3", FFMPEG)),
]
# What files in music folders often are instead, and what to do.
OTHERS = [
    (rb"....ftyp(heic|heix|mif1|avif)", "a picture, not audio"),
    (rb"\x89PNG\r|\xff\xd8\xff|GIF8|RIFF....WEBP", "a picture, not audio"),
    (rb"(?i)\s*<(!doctype html|html|head|body)", "a web page, not audio; download it again"),
    (rb"version https://git-lfs", "a pointer of Git LFS; get the audio with git lfs pull"),
    (rb"/annex/objects/", "a pointer of git-annex; get the audio with git annex get"),
    (rb"MThd", "a MIDI file; render it to WAV or FLAC"),
    (rb"MATLAB 5", "a MATLAB file; write its samples as WAV or FLAC"),
    (rb"\x93NUMPY", "a NumPy file; write its samples as WAV or FLAC"),
    (rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ", "an archive; unpack it"),
    (rb".{257}ustar", "an archive; unpack it"),
    (rb"%PDF", "a PDF file, not audio"),
]


def recognise(path: Path, n_bytes: int = STREAM_HEAD) -> Recognised | None:
    """The container of a file by its first bytes; None if it is not a known one.

    In the first `n_bytes` bytes after tags, frames of streams are searched for.
    """
    start, whole = after_tags(path, n_bytes)
    head = whole[:HEAD]
    if _other(head) is not None:
        return None
    for pattern, container in CONTAINERS:
        if re.match(pattern, head, re.DOTALL):
            return Recognised(container, start, head)
    if found := OGG_START.search(head):
        return Recognised(OGG, start + found.start(), head[found.start() :])
    for frame_length, container in STREAMS:
        if elementary_streams.has_frames(whole, frame_length):
            return Recognised(container, start, head)
    return None


def what_else(path: Path) -> str | None:
    """What a file is that is not audio, with an article, if known."""
    _, head = after_tags(path)
    if other := _other(head):
        return other
    # Text has none of the control characters that are in nearly all other files.
    is_text = len(head) > 0 and not re.search(rb"[\0-\x08\x0e-\x1a]", head)
    return "a text file, not audio" if is_text else None


def after_tags(path: Path, n_bytes: int = HEAD) -> tuple[int, bytes]:
    """The place after the ID3 and APE tags at the start of a file, and `n_bytes` bytes there."""
    with open_regular(path) as file:
        start = 0
        for _ in range(MOST_TAGS):
            file.seek(start)
            if not (size := _tag_size(file.read(APE_TAG_HEAD))):
                break
            start += size
        file.seek(start)
        return start, file.read(n_bytes)


def _tag_size(head: bytes) -> int:
    """The size of the tag that starts with these bytes; 0 if there is none."""
    if head.startswith(b"APETAGEX") and len(head) == APE_TAG_HEAD:
        return APE_TAG_HEAD + int.from_bytes(head[12:16], "little")
    if not head.startswith(b"ID3") or len(head) < 10:
        return 0
    # The size is stored as four bytes of seven bits, but some programs used eight.
    shifts = (21, 14, 7, 0) if max(head[6:10]) < 128 else (24, 16, 8, 0)
    size = sum(byte << shift for byte, shift in zip(head[6:10], shifts, strict=True))
    # A flag announces a footer.
    return 10 + size + (10 if head[5] & 0x10 else 0)


def _other(head: bytes) -> str | None:
    return next((what for pattern, what in OTHERS if re.match(pattern, head, re.DOTALL)), None)
