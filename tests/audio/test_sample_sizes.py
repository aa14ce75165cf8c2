"""Samples of any size and byte order are decoded as what they are, or the file is refused."""

import struct

import numpy as np
import pytest
import soundfile

from tests.conftest import clicks
from tests.papers import mel_bands
from workflow_scripts.audio.decoding import NotAudioError, analysed
from workflow_scripts.audio.files import what_is_missing

RATE = 44100
MUSIC = clicks(np.random.default_rng(0), 120, 4)
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
GUID_END = bytes.fromhex("800000aa00389b71")


def samples(width, order="<"):
    """The music, stereo, as integers of `width` bytes; the lowest bits of wide ones are zero."""
    narrow = (np.repeat(MUSIC, 2) * 32767).astype(np.int32) << 16
    wide = narrow.astype(f"{order}i4").view(np.uint8).reshape(-1, 4)
    return (wide[:, 4 - width :] if order == "<" else wide[:, :width]).tobytes()


def wav(sound, width, bits, valid=None, tag=PCM, order="<"):
    """A WAV file; with `valid` bits, its format is extensible."""
    form = struct.pack(
        f"{order}HHIIHH",
        *(tag if valid is None else EXTENSIBLE, 2, RATE, RATE * width * 2, width * 2, bits),
    )
    if valid is not None:
        form += struct.pack(f"{order}HHIIHH", 22, valid, 3, tag, 0, 16) + GUID_END
    body = b"WAVEfmt " + struct.pack(f"{order}I", len(form)) + form
    body += b"data" + struct.pack(f"{order}I", len(sound)) + sound
    name = b"RIFF" if order == "<" else b"RIFX"
    return name + struct.pack(f"{order}I", len(body)) + body


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    path = tmp_path_factory.mktemp("plain") / "a.wav"
    path.write_bytes(wav(samples(2), 2, 16))
    return mel_bands(path)


def assert_decoded(path, expected):
    # The mean of two equal channels is exact; resampling is not needed.
    np.testing.assert_allclose(mel_bands(path), expected, rtol=1e-4, atol=1e-9)
    assert what_is_missing(path, len(MUSIC) / RATE) is None


@pytest.mark.parametrize(
    ("width", "bits", "valid"),
    [(4, 32, 24), (4, 32, 20), (4, 32, 16), (3, 24, 16), (3, 24, 20), (4, 32, 0), (4, 32, 32)],
)
@pytest.mark.parametrize("order", "<>")
def test_valid_bits_are_not_the_size_of_a_sample(tmp_path, expected, width, bits, valid, order):
    """Recorders under Windows write 24 bits in 32; FFmpeg would read three bytes a sample."""
    (tmp_path / "a.wav").write_bytes(wav(samples(width, order), width, bits, valid, order=order))
    assert_decoded(tmp_path / "a.wav", expected)


@pytest.mark.parametrize("width", [2, 3, 4])
def test_big_endian_integers(tmp_path, expected, width):
    (tmp_path / "a.wav").write_bytes(wav(samples(width, ">"), width, 8 * width, order=">"))
    assert_decoded(tmp_path / "a.wav", expected)


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE", "PCM_16"])
@pytest.mark.parametrize(
    "form", [("WAV", "BIG"), ("AU", "LITTLE"), ("AU", "BIG"), ("W64", "LITTLE"), ("AIFF", "FILE")]
)
def test_byte_orders(tmp_path, expected, form, subtype):
    music = np.frombuffer(samples(2), "<i2").reshape(-1, 2) / 32768
    path = tmp_path / f"a.{form[0].lower()}"
    soundfile.write(path, music, RATE, subtype, form[1], form[0])
    assert_decoded(path, expected)


@pytest.mark.parametrize(("width", "bits"), [(4, 24), (3, 20), (2, 12)])
def test_bits_that_a_plain_header_states(tmp_path, expected, width, bits):
    (tmp_path / "a.wav").write_bytes(wav(samples(width), width, bits))
    assert_decoded(tmp_path / "a.wav", expected)


@pytest.mark.parametrize(
    ("width", "bits", "valid"), [(4, 16, None), (3, 16, None), (4, 24, 24), (4, 16, 16)]
)
def test_padded_samples_that_no_decoder_reads_are_refused(tmp_path, width, bits, valid):
    (tmp_path / "a.wav").write_bytes(wav(samples(width), width, bits, valid))
    with pytest.raises(NotAudioError, match=rf"with {bits}-bit samples in {8 * width} bits; conv"):
        mel_bands(tmp_path / "a.wav")


@pytest.mark.parametrize("stated", [4, 3])
def test_more_sound_than_the_bytes_hold_is_noise(tmp_path, stated):
    (tmp_path / "a.wav").write_bytes(wav(samples(2)[: stated * RATE * 4], 2, 16))
    durations = iter([6.0, 4.0])
    if stated == 4:
        assert analysed(tmp_path / "a.wav", lambda _: next(durations), seconds=float) == 4
    else:
        with pytest.raises(NotAudioError, match="cannot be decoded as audio"):
            analysed(tmp_path / "a.wav", lambda _: next(durations), seconds=float)


def wave64(sound, tag, width):
    """A Wave64 file with an extensible format, as FFmpeg writes floating-point samples."""
    end = bytes.fromhex("f3acd3118cd100c04f8edb8a")
    form = struct.pack("<HHIIHH", EXTENSIBLE, 2, RATE, RATE * width * 2, width * 2, 8 * width)
    form += struct.pack("<HHIIHH", 22, 8 * width, 3, tag, 0, 16) + GUID_END
    body = b"wave" + end + b"fmt " + end + struct.pack("<Q", 24 + len(form)) + form
    body += b"data" + end + struct.pack("<Q", 24 + len(sound)) + sound
    head = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000")
    return head + struct.pack("<Q", 24 + len(body)) + body


def test_integers_in_extensible_wave64(tmp_path, expected):
    (tmp_path / "a.w64").write_bytes(wave64(samples(3), PCM, 3))
    assert_decoded(tmp_path / "a.w64", expected)


def test_floating_point_in_extensible_wave64_is_refused(tmp_path):
    """libsndfile would take the samples for integers."""
    sound = np.repeat(MUSIC, 2).astype("<f4").tobytes()
    (tmp_path / "a.w64").write_bytes(wave64(sound, FLOAT, 4))
    with pytest.raises(NotAudioError, match="a Wave64 file with floating-point samples in an ext"):
        mel_bands(tmp_path / "a.w64")
