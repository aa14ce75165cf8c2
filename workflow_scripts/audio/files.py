"""Find out whether files are audio and complete, without decoding them."""

from os.path import isfile, splitext
from pathlib import Path

import soundfile
from tinytag import TinyTag

from workflow_scripts.audio.suffixes import SUFFIXES
from workflow_scripts.regular_files import open_regular

# Seconds. Encoders pad or trim by less, and a loss this small does not matter.
TOLERANCE = 0.5
# Bytes. Programs that write WAV to a pipe state this size or more, as they do not know it.
UNKNOWN_LENGTH = 0x7FFF0000
# https://www.rfc-editor.org/rfc/rfc3533, section 6.
OGG_HEADER, LARGEST_OGG_PAGE, OGG_END_OF_STREAM = 27, 65307, 4


def is_audio(path: str) -> bool:
    """Whether a file is audio by its suffix or, without such a suffix, by its content."""
    _, suffix = splitext(path)  # noqa: PTH122 - called for a million paths.
    if suffix.lower() in SUFFIXES:
        return True
    # Opening a named pipe would wait for a writer.
    if not isfile(path):  # noqa: PTH113
        return False
    header = _header(Path(path))
    if header.mime_type != "audio/mpeg":
        return bool(header.duration)
    # MPEG is recognised by two bytes that other files, such as UTF-16 text, may start with too.
    try:
        return soundfile.info(path).frames > 0
    except soundfile.SoundFileError:
        return False


def what_is_missing(path: Path, seconds: float) -> str | None:
    """What is missing from a file that decodes to `seconds`, compared with its header.

    None if nothing is missing or the format does not say: WAV, AIFF, FLAC, MP4, WMA and MP3 with a
    Xing header state their length; an Ogg stream marks its last page.
    """
    declared = _declared_seconds(path)
    if declared is not None and seconds < declared - TOLERANCE:
        return f"{seconds:.1f} of {declared:.1f} s remain"
    if not _ogg_ends(path):
        return "the end of its Ogg stream is missing"
    return None


def _declared_seconds(path: Path) -> float | None:
    header = _header(path)
    if header.mime_type == "audio/mpeg" and not _states_frames(path):
        # TinyTag would estimate the duration from the first frames.
        return None
    if header.mime_type and header.mime_type.startswith("audio/wav"):
        sample = (header.bitdepth or 0) / 8 * (header.channels or 0) * (header.samplerate or 0)
        if sample * (header.duration or 0) >= UNKNOWN_LENGTH > path.stat().st_size:
            return None
    return header.duration


def _header(path: Path) -> TinyTag:
    """The header; an empty one if TinyTag does not know the format or the file is damaged."""
    try:
        with open_regular(path) as file:
            return TinyTag.get(file_obj=file, tags=False)
    # A damaged file may raise any error; the decoder reports what is wrong.
    except Exception:
        return TinyTag()


def _states_frames(path: Path) -> bool:
    """Whether the first frame of an MP3 states the number of frames (Xing, Info, VBRI)."""
    with path.open("rb") as file:
        tag = file.read(10)
        if tag[:3] == b"ID3":
            # The size of the tag is stored as four bytes of seven bits.
            file.seek(
                10 + sum(byte << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=True))
            )
        else:
            file.seek(0)
        frame = file.read(2048)
    return any(name in frame for name in (b"Xing", b"Info", b"VBRI"))


def _ogg_ends(path: Path) -> bool:
    """False if the last page of an Ogg stream is truncated or not marked as the last."""
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
