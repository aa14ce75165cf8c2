"""Which files are audio, and whether they are all there; nothing is decoded here."""

from os.path import splitext
from pathlib import Path

import soundfile
from tinytag import TinyTag

from workflow_scripts.audio.suffixes import SUFFIXES

# Encoders pad or trim their ends by less; so little is no loss either.
TOLERANCE = 0.5
# Programs that write to a pipe put a number of this size where the bytes of sound are counted.
UNKNOWN_LENGTH = 0x7FFF0000
# https://www.rfc-editor.org/rfc/rfc3533, section 6.
OGG_HEADER, LARGEST_OGG_PAGE, OGG_END_OF_STREAM = 27, 65307, 4


def is_audio(path: str) -> bool:
    """Whether a file's name or else its content says that it is audio."""
    _, suffix = splitext(path)  # noqa: PTH122 - asked of a million paths.
    if suffix.lower() in SUFFIXES:
        return True
    header = _header(Path(path))
    if header.mime_type != "audio/mpeg":
        return bool(header.duration)
    # Two bytes that any file may start with, UTF-16 text for one, are all that MPEG has.
    try:
        return soundfile.info(path).frames > 0
    except soundfile.SoundFileError:
        return False


def what_is_missing(path: Path, seconds: float) -> str | None:
    """How far a file that decodes to so many `seconds` falls short of its own header.

    None where nothing is missing, or where the format does not tell: WAV, AIFF, FLAC, MP4, WMA and
    MP3 with a Xing header state their length, an Ogg stream marks its last page.
    """
    declared = _declared_seconds(path)
    if declared is not None and seconds < declared - TOLERANCE:
        return f"{seconds:.1f} of {declared:.1f} s are there"
    if not _ogg_ends(path):
        return "the end of its Ogg stream is not there"
    return None


def _declared_seconds(path: Path) -> float | None:
    header = _header(path)
    if header.mime_type == "audio/mpeg" and not _states_frames(path):
        # The library's estimate from the first frames.
        return None
    if header.mime_type and header.mime_type.startswith("audio/wav"):
        sample = (header.bitdepth or 0) / 8 * (header.channels or 0) * (header.samplerate or 0)
        if sample * (header.duration or 0) >= UNKNOWN_LENGTH > path.stat().st_size:
            return None
    return header.duration


def _header(path: Path) -> TinyTag:
    """What the header says; nothing where the library does not know the format."""
    try:
        with path.open("rb") as file:
            return TinyTag.get(file_obj=file, tags=False)
    # Whatever a damaged file makes a parser do, the decoder has the last word.
    except Exception:
        return TinyTag()


def _states_frames(path: Path) -> bool:
    """Whether an MP3 says in its first frame how many there are (Xing, LAME, VBRI)."""
    with path.open("rb") as file:
        tag = file.read(10)
        if tag[:3] == b"ID3":
            # Its size is four times seven bits.
            file.seek(
                10 + sum(byte << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=True))
            )
        else:
            file.seek(0)
        frame = file.read(2048)
    return any(name in frame for name in (b"Xing", b"Info", b"VBRI"))


def _ogg_ends(path: Path) -> bool:
    """False for an Ogg stream whose last page is cut or is not marked as the last."""
    with path.open("rb") as file:
        if file.read(4) != b"OggS":
            return True
        size = file.seek(0, 2)
        file.seek(max(0, size - LARGEST_OGG_PAGE))
        end = file.read()
    page = end[end.rfind(b"OggS") :]
    if len(page) < OGG_HEADER or not page[5] & OGG_END_OF_STREAM:
        return False
    n_segments = page[26]
    lengths = page[OGG_HEADER : OGG_HEADER + n_segments]
    return len(lengths) == n_segments and len(page) >= OGG_HEADER + n_segments + sum(lengths)
