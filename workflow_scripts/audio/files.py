"""Find out whether files are audio and complete, without decoding them."""

from os.path import isfile, splitext
from pathlib import Path

from tinytag import TinyTag

from workflow_scripts.audio import headers, mp4, ogg
from workflow_scripts.audio.containers import HEAD, Recognised, recognise
from workflow_scripts.audio.decoding import TOLERANCE
from workflow_scripts.audio.suffixes import SUFFIXES
from workflow_scripts.regular_files import open_regular

# Bytes at the start of an MP3 in which its first frame states the number of frames.
FIRST_FRAME = 2048


def is_audio(path: str) -> bool:
    """Whether a file is audio by its suffix or, without such a suffix, by its content.

    Files of audio formats that cannot be decoded count as audio, so that they are not overlooked.
    """
    _, suffix = splitext(path)  # noqa: PTH122 - called for a million paths.
    if suffix.lower() in SUFFIXES:
        return True
    try:
        # Opening a named pipe would wait for a writer. There may be many other files, so only the
        # first bytes are searched.
        return isfile(path) and recognise(Path(path), HEAD) is not None  # noqa: PTH113
    except OSError:
        return False


def what_is_missing(path: Path, seconds: float) -> str | None:
    """What is missing from a file that decodes to `seconds`, compared with its header.

    None if nothing is missing or the format does not say: WAV, AIFF, AU, FLAC, MP4, WMA and MP3
    with a Xing header state their length; an Ogg stream numbers its pages and marks its last page.
    """
    file = recognise(path)
    if file is None:
        return None
    if file.container.suffix == ".ogg":
        return ogg.what_is_missing(path, file.start, seconds, TOLERANCE)
    header = headers.read(path, file)
    if header.is_cut:
        return f"{seconds:.1f} s and fewer bytes than stated remain"
    stated = header.stated or _stated(path, file)
    if stated is not None and seconds < stated - TOLERANCE:
        return f"{seconds:.1f} of {stated:.1f} s remain"
    if file.container.suffix == ".m4a" and not stated and not mp4.read(path).is_complete:
        return "the end of its last fragment is missing"
    return None


def _stated(path: Path, file: Recognised) -> float | None:
    """The duration that TinyTag finds, in formats that the module `headers` does not read."""
    if file.container.suffix == ".mp3" and not _states_frames(file.head):
        # TinyTag would estimate the duration from the first frames.
        return None
    if file.container.suffix not in (".mp3", ".wma"):
        return None
    try:
        with open_regular(path) as opened:
            return TinyTag.get(file_obj=opened, tags=False).duration
    # A damaged file may raise any error.
    except Exception:
        return None


def _states_frames(head: bytes) -> bool:
    """Whether the first frame of an MP3 states the number of frames (Xing, Info, VBRI)."""
    return any(name in head[:FIRST_FRAME] for name in (b"Xing", b"Info", b"VBRI"))
