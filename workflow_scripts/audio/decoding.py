"""Decode what Essentia cannot: more than two channels, Opus, and other formats of libsndfile."""

import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
UNDECODABLE = "cannot be decoded as audio"
# Seconds. A small file may decode to weeks of audio; no real track is longer than this.
LONGEST = 12 * 3600
TOO_LONG = f"is longer than {LONGEST // 3600} hours"
MANY_CHANNELS = (
    "has more than two channels, which is supported only in WAV, FLAC, Ogg, AIFF and CAF"
)
# Samples per channel that are read at once.
BLOCK = 1 << 16
# Bytes in which Ogg, Matroska and WAV name the codec.
HEAD = 4096
# Format tags: PCM, floating point, and the extensible form of both.
WAV_CODECS = (1, 3, 0xFFFE)


class NotAudioError(Exception):
    """A file that cannot be used as audio. The text says why, without the name of the file."""


def beyond_essentia(audio: Path) -> bool:
    """Whether Essentia 2.1b6 must not open the file.

    Opus, and ADPCM in WAV, crash its process; for CAF it returns only the start, without an error.
    """
    with audio.open("rb") as file:
        head = file.read(HEAD)
    if head[:4] == b"RIFF" and len(codec := head.partition(b"fmt ")[2][4:6]) == 2:
        return struct.unpack("<H", codec)[0] not in WAV_CODECS
    return head[:4] == b"caff" or b"OpusHead" in head


def analysed(audio: Path, analysis: Callable[[Path], T]) -> T:
    """The result of `analysis` for the file, or for a copy that Essentia can decode.

    `analysis` computes with Essentia and raises RuntimeError if it cannot decode its argument.
    Raises NotAudioError if neither the file nor the copy can be decoded.
    """
    reason = UNDECODABLE
    if not beyond_essentia(audio):
        try:
            with named(audio) as path:
                return analysis(path)
        except RuntimeError as failure:
            # For any error: libsndfile may still decode the file.
            if "more than 2 channels" in str(failure):
                reason = MANY_CHANNELS
    with mixed_down(audio, reason) as mono:
        try:
            return analysis(mono)
        except RuntimeError:
            raise NotAudioError(UNDECODABLE) from None


@contextmanager
def named(audio: Path) -> Iterator[Path]:
    """Yield a path of the file that Essentia accepts: absolute and UTF-8."""
    # In a relative path, FFmpeg takes the text before a colon for the name of a protocol.
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
def mixed_down(audio: Path, reason: str) -> Iterator[Path]:
    """Yield a temporary mono WAV: the mean of the file's channels, at the file's sampling rate.

    Raises NotAudioError if the audio is longer than LONGEST, with `reason` if libsndfile cannot
    decode the file, and with `reason` and a hint if soundfile, which labelling does not require, is
    not installed.
    """
    try:
        import soundfile
    except ImportError:
        raise NotAudioError(f"{reason}; installing soundfile may help") from None
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "mono.wav"
        try:
            with (
                soundfile.SoundFile(audio) as source,
                # RF64 is WAV without the limit of 4 GiB.
                soundfile.SoundFile(
                    copy, "w", source.samplerate, 1, "FLOAT", format="RF64"
                ) as mono,
            ):
                for block in source.blocks(BLOCK, dtype="float32", always_2d=True):
                    mono.write(block.mean(axis=1))
                    if mono.tell() > LONGEST * source.samplerate:
                        raise NotAudioError(TOO_LONG)
        except soundfile.SoundFileError:
            raise NotAudioError(reason) from None
        yield copy
