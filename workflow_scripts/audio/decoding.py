"""What Essentia does not decode: more than two channels, Opus, and other formats of libsndfile."""

import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
UNDECODABLE = "cannot be decoded as audio"
# Seconds. Nothing that is asked for is longer, and a small file may decode to weeks.
LONGEST = 12 * 3600
TOO_LONG = f"is longer than {LONGEST // 3600} hours"
MANY_CHANNELS = (
    "has more than two channels, which can be read from WAV, FLAC, Ogg, AIFF and CAF alone"
)
BLOCK = 1 << 16
# Where Ogg, Matroska and WAV name the codec.
HEAD = 4096
# PCM, floating point, and either in the extensible form.
WAV_CODECS = (1, 3, 0xFFFE)


class NotAudioError(Exception):
    """A file without sound that could be decoded; its text says why, without the file's name."""


def beyond_essentia(audio: Path) -> bool:
    """Whether a file is of a kind that Essentia 2.1b6 must not be given.

    Opus and ADPCM in WAV end its process; of a CAF it returns the start, silently.
    """
    with audio.open("rb") as file:
        head = file.read(HEAD)
    if head[:4] == b"RIFF" and len(codec := head.partition(b"fmt ")[2][4:6]) == 2:
        return struct.unpack("<H", codec)[0] not in WAV_CODECS
    return head[:4] == b"caff" or b"OpusHead" in head


def analysed(audio: Path, analysis: Callable[[Path], T]) -> T:
    """What `analysis`, a computation of Essentia's, makes of a file or of a copy it can decode.

    Raises NotAudioError where neither can be decoded, that is, `analysis` raises RuntimeError.
    """
    reason = UNDECODABLE
    if not beyond_essentia(audio):
        try:
            with named(audio) as path:
                return analysis(path)
        except RuntimeError as failure:
            # Whatever it is: libsndfile may know better.
            if "more than 2 channels" in str(failure):
                reason = MANY_CHANNELS
    with mixed_down(audio, reason) as mono:
        try:
            return analysis(mono)
        except RuntimeError:
            raise NotAudioError(UNDECODABLE) from None


@contextmanager
def named(audio: Path) -> Iterator[Path]:
    """Yield a path of the file that Essentia takes: absolute, and UTF-8."""
    # Before the first slash FFmpeg would take a colon for the end of a protocol's name.
    audio = audio.absolute()
    try:
        str(audio).encode()
    except UnicodeEncodeError:
        with tempfile.TemporaryDirectory() as folder:
            link = Path(folder) / f"audio{audio.suffix if audio.suffix.isascii() else ''}"
            link.symlink_to(audio)
            yield link
    else:
        yield audio


@contextmanager
def mixed_down(audio: Path, otherwise: str) -> Iterator[Path]:
    """Yield a temporary WAV of the mean of the file's channels, at its own sampling rate.

    Raises NotAudioError where that would be longer than LONGEST; and, saying `otherwise`, where
    libsndfile cannot decode the file or the package soundfile is not there: whoever labels music
    can do without.
    """
    try:
        import soundfile
    except ImportError:
        raise NotAudioError(f"{otherwise}; the package soundfile might") from None
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "mono.wav"
        try:
            with (
                soundfile.SoundFile(audio) as source,
                # RF64 is a WAV that may be longer than 4 GiB.
                soundfile.SoundFile(
                    copy, "w", source.samplerate, 1, "FLOAT", format="RF64"
                ) as mono,
            ):
                for block in source.blocks(BLOCK, dtype="float32", always_2d=True):
                    mono.write(block.mean(axis=1))
                    if mono.tell() > LONGEST * source.samplerate:
                        raise NotAudioError(TOO_LONG)
        except soundfile.SoundFileError:
            raise NotAudioError(otherwise) from None
        yield copy
