"""Decode a file with Essentia or, where that fails, by way of libsndfile."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from workflow_scripts.audio import headers
from workflow_scripts.audio.containers import (
    ESSENTIA,
    LIBSNDFILE,
    Recognised,
    recognise,
    what_else,
)
from workflow_scripts.audio.headers import Header
from workflow_scripts.regular_files import open_regular

T = TypeVar("T")
Way = Callable[[Path, Recognised, Header], AbstractContextManager[Path]]
UNDECODABLE = "cannot be decoded as audio"
NO_HEADER = f"{UNDECODABLE}: it has no header of a known format"
# Seconds. A small file may decode to weeks of audio; no real track is longer than this.
LONGEST = 12 * 3600
TOO_LONG = f"is longer than {LONGEST // 3600} hours"
MANY_CHANNELS = (
    "has more than two channels, which is supported only in WAV, FLAC, Ogg, AIFF and CAF"
)
MOST_CHANNELS = 256
# Hertz. Resampled to 44.1 kHz, a small file of a lower rate would fill the memory.
LOWEST_RATE, HIGHEST_RATE = 4000, 1_000_000
# Samples of all channels that are read at once.
BLOCK = 1 << 18
# Seconds. Encoders pad or trim by less, and a loss this small does not matter.
TOLERANCE = 0.5
# The mean of the channels has less than this share of their energy: they cancel. What remains is
# rounding and, in lossy formats, noise of the codec.
CANCELLED = 0.01
CHANNELS_CANCEL = (
    "is silent in the mono mix, as its channels cancel each other; invert one of them or keep "
    "only one"
)


# Suffixes of formats whose sampling rate is one of a short list.
OF_STANDARD_RATES = frozenset([".mp3", ".aac", ".ac3"])
CONVERT = "convert it to FLAC or WAV"


class NotAudioError(Exception):
    """A file that cannot be used as audio. The text says why, without the name of the file."""


class DamagedDecoderError(NotAudioError):
    """After this file, Essentia may crash on any other: the process should end."""


def analysed(
    audio: Path,
    analysis: Callable[[Path], T],
    problem: Callable[[T], str] = lambda result: "",
    seconds: Callable[[T], float] | None = None,
) -> T:
    """The result of `analysis` for the file, or for a copy that Essentia can decode.

    `analysis` computes with Essentia and raises RuntimeError if it cannot decode its argument.
    `problem` says what is wrong with a result, and `seconds` what duration of audio is in it. If
    that is less than the file states, the longest result is returned. More than the bytes of the
    file can hold is noise.

    Raises NotAudioError if the file is not audio, its header is beyond the limits, or neither the
    file nor the copy gives a result without a problem.
    """
    file = recognise(audio)
    if file is None or not file.container.decoders:
        raise NotAudioError(_not_audio(audio, file))
    header = headers.read(audio, file)
    check(header.rate, header.channels, header.present)
    results: list[T] = []
    reasons: list[str] = []
    for prepared in _ways(file, header):
        try:
            with prepared(audio, file, header) as path:
                result = analysis(path)
        except NotAudioError as reason:
            reasons.append(str(reason))
        except (RuntimeError, MemoryError) as failure:
            if "Unsupported codec" in str(failure):
                raise DamagedDecoderError(_most_telling([], file, header)) from None
            many = "more than 2 channels" in str(failure)
            reasons.append(MANY_CHANNELS if many else UNDECODABLE)
        else:
            duration = seconds(result) if seconds else 0.0
            reasons.append(problem(result) or _too_much(header, duration))
            if not reasons[-1]:
                results.append(result)
                if seconds is None or duration >= (header.stated or 0) - TOLERANCE:
                    return result
    if results:
        return max(results, key=seconds) if seconds else results[0]
    raise NotAudioError(_most_telling(reasons, file, header))


def _too_much(header: Header, seconds: float) -> str:
    """What is wrong if a decoder took the samples for shorter ones; empty if it did not."""
    if header.is_exact and header.stated is not None and seconds > header.stated + TOLERANCE:
        return UNDECODABLE
    return ""


def check(rate: float | None, channels: int | None, seconds: float | None) -> None:
    """Raise NotAudioError if a header is beyond what is decoded; None is not checked."""
    if 0 in (rate, channels):
        raise NotAudioError(f"{UNDECODABLE}: its header is damaged")
    if rate is not None and not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise NotAudioError(
            f"has a sampling rate of {rate:.0f} Hz; from {LOWEST_RATE} to {HIGHEST_RATE} Hz are "
            "supported"
        )
    if channels is not None and not 1 <= channels <= MOST_CHANNELS:
        raise NotAudioError(f"has {channels} channels; from 1 to {MOST_CHANNELS} are supported")
    if seconds is not None and seconds > LONGEST:
        raise NotAudioError(TOO_LONG)


def _ways(file: Recognised, header: Header) -> list[Way]:
    """How the file is given to Essentia: as it is, or as a copy by libsndfile; in this order."""
    ways = {ESSENTIA: linked, LIBSNDFILE: mixed_down}
    known = list(file.container.decoders)
    # Essentia refuses more than two channels, or crashes.
    refused = (header.channels or 0) > 2 and header.libsndfile and LIBSNDFILE in known
    if header.essentia == "never" or refused:
        known = [decoder for decoder in known if decoder != ESSENTIA]
    if not header.libsndfile:
        known = [decoder for decoder in known if decoder != LIBSNDFILE]
    if header.essentia == "second":
        known.reverse()
    return [ways[decoder] for decoder in known]


@contextmanager
def linked(audio: Path, file: Recognised, header: Header) -> Iterator[Path]:
    """Yield a link to the file with an absolute UTF-8 path and the suffix of its content.

    FFmpeg takes suffixes for formats, numbers in a name for a series of files, and the text before
    a colon for a protocol. Raises NotAudioError if the sampling rate is beyond the limits.
    """
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / f"audio{file.container.suffix}"
        link.symlink_to(audio.absolute())
        if header.rate is None and file.container.suffix not in OF_STANDARD_RATES:
            from workflow_scripts.audio.stream import rate_and_channels

            check(*rate_and_channels(link), None)
        yield link


@contextmanager
def mixed_down(audio: Path, file: Recognised, header: Header) -> Iterator[Path]:
    """Yield a temporary mono WAV: the mean of the file's channels, at the file's sampling rate.

    Raises NotAudioError if libsndfile cannot decode the file, its header is beyond the limits, the
    audio is longer than LONGEST, the channels cancel each other, or soundfile, which labelling does
    not require, is not installed.
    """
    try:
        import soundfile
    except ImportError:
        raise NotAudioError(f"{UNDECODABLE} by Essentia; installing soundfile may help") from None
    with tempfile.TemporaryDirectory() as folder, open_regular(audio) as opened:
        copy = Path(folder) / "mono.wav"
        try:
            # By its descriptor: libsndfile would guess from the name.
            source = soundfile.SoundFile(opened.fileno(), closefd=False)
        except soundfile.SoundFileError:
            raise NotAudioError(UNDECODABLE) from None
        with source:
            check(source.samplerate, source.channels, None)
            # RF64 is WAV without the limit of 4 GiB.
            with soundfile.SoundFile(
                copy, "w", source.samplerate, 1, "FLOAT", format="RF64"
            ) as mono:
                _mix(source, mono, file.container.name)
        yield copy


def _mix(source: Any, mono: Any, name: str) -> None:
    """Write the mean of the channels of an open SoundFile to another; see `mixed_down`.

    `name` says what the file is.
    """
    n_samples, sums, squares = 0, np.zeros(source.channels + 1), np.zeros(source.channels + 1)
    while True:
        try:
            # Some codecs cannot seek, so the number of samples is not asked for.
            block = source.read(BLOCK // source.channels, dtype="float32", always_2d=True)
        except Exception:
            # A damaged file makes libsndfile raise many errors.
            raise NotAudioError(
                f"{UNDECODABLE}: it is {name} that libsndfile decodes only in part; replace it, or "
                f"{CONVERT}"
            ) from None
        if not len(block):
            break
        mean = block.mean(axis=1)
        mono.write(mean)
        n_samples += len(block)
        if n_samples > LONGEST * source.samplerate:
            raise NotAudioError(TOO_LONG)
        both = np.column_stack([mean, block]).astype(np.float64)
        sums += both.sum(axis=0)
        squares += np.square(both).sum(axis=0)
    with np.errstate(invalid="ignore", over="ignore"):
        energy, *energies = squares / max(n_samples, 1) - np.square(sums / max(n_samples, 1))
    # Not if samples are not finite: their energies are NaN.
    if energy < CANCELLED * np.mean(energies):
        raise NotAudioError(CHANNELS_CANCEL)


def _not_audio(audio: Path, file: Recognised | None) -> str:
    if file is not None:
        return f"{UNDECODABLE}: it is {file.container.name}; {CONVERT}"
    other = what_else(audio)
    return f"{UNDECODABLE}: it is {other}" if other else NO_HEADER


def _most_telling(reasons: list[str], file: Recognised, header: Header) -> str:
    """The reason that says more than that a decoder failed; otherwise what the file is."""
    # libsndfile decodes any number of channels, so its reason is the better one.
    for reason in sorted(reasons, key=MANY_CHANNELS.__eq__):
        if reason != UNDECODABLE:
            return reason
    if header.codec and header.essentia == "never":
        return f"{UNDECODABLE}: it is {file.container.name} with {header.codec}; {CONVERT}"
    return (
        f"{UNDECODABLE}: it is {file.container.name} that is damaged or has an unsupported codec; "
        f"replace it, or {CONVERT}"
    )
