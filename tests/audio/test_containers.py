"""What a file is depends on its content alone; what is not audio is refused and named."""

import io
import struct
import tarfile
import wave

import numpy as np
import pytest
import soundfile

from tests.audio_files import checked, mp3_in_wav, mp4, ogg_pages
from tests.conftest import clicks, write_wav
from tests.papers import mel_bands
from workflow_scripts.audio import containers, decoding, elementary_streams
from workflow_scripts.audio.decoding import NotAudioError
from workflow_scripts.audio.files import is_audio, what_is_missing
from workflow_scripts.audio.mp4 import read as read_mp4

RATE = 44100
MUSIC = clicks(np.random.default_rng(0), 120, 4)
TIME = np.arange(4 * RATE) / RATE
CHORD = sum(np.sin(2 * np.pi * f * TIME) for f in (220, 277, 330)) * np.exp(-TIME % 0.5) / 4
# Suffixes from which decoders guess a format without a header.
GUESSED = (".au", ".snd", ".raw", ".vox", ".gsm", ".sln", ".sw", ".ul", ".mp3", ".aac", ".ac3")
NOT_AUDIO = {
    "a web page": b"<!DOCTYPE html>\n<html><body>Not found</body></html>\n" * 2000,
    "random bytes": np.random.default_rng(0).bytes(100_000),
    "samples without a header": (MUSIC * 32767).astype(">i2").tobytes(),
    "zeros": bytes(100_000),
    "a tag and nothing": b"ID3\4\0\0\0\0\0\0" + np.random.default_rng(1).bytes(50_000),
}


@pytest.mark.parametrize("name", NOT_AUDIO)
@pytest.mark.parametrize("suffix", GUESSED)
def test_no_decoder_guesses_by_the_suffix(tmp_path, name, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(NOT_AUDIO[name])
    with pytest.raises(NotAudioError, match=r"^cannot be decoded as audio"):
        mel_bands(path)


@pytest.mark.parametrize("tag", [b"", b"ID3\4\0\0\0\0\0\x0a" + bytes(10)])
@pytest.mark.parametrize(
    "playlist", [b"#EXTM3U\n{}\n", b"ffconcat version 1.0\nfile {}\n", b"v=0\nc=IN IP4 127.0.0.1\n"]
)
def test_a_playlist_is_not_opened(tmp_path, tag, playlist):
    write_wav(tmp_path / "a.wav", MUSIC)
    path = tmp_path / "b.mp3"
    path.write_bytes(tag + playlist.replace(b"{}", str(tmp_path / "a.wav").encode()))
    with pytest.raises(NotAudioError, match="it is a text file"):
        mel_bands(path)


# The first bytes of a file, and what the message says of it.
NAMED = {
    b"<!DOCTYPE html>": "it is a web page, not audio; download it again",
    b"MThd\0\0\0\6": "it is a MIDI file; render it to WAV or FLAC",
    b"version https://git-lfs.github.com/spec/v1\n": "it is a pointer of Git LFS; get the audio",
    b"PK\3\4": "it is an archive; unpack it",
    b"\x89PNG\r\n\x1a\n": "it is a picture, not audio",
    b"#!AMR\n": "it is an AMR file; convert it to FLAC or WAV",
    b"DSD \x1c": "it is a DSD file; convert it to FLAC or WAV",
    b"\x1a\x45\xdf\xa3\x42\x86\x81\1\x86\x86A_OPUSV": (
        "it is a WebM or Matroska file with OPUS; convert it to FLAC or WAV"
    ),
    b"\x1a\x45\xdf\xa3" + bytes(1000): "it is a WebM or Matroska file that is damaged or",
}


@pytest.mark.parametrize("start", NAMED)
def test_what_is_not_audio_is_named_with_a_remedy(tmp_path, start):
    path = tmp_path / "a.wav"
    path.write_bytes(start + bytes(100))
    with pytest.raises(NotAudioError) as refusal:
        mel_bands(path)
    assert f"cannot be decoded as audio: {NAMED[start]}" in str(refusal.value)


@pytest.mark.parametrize(
    ("codec", "named"), [(b"drms", "with copy protection"), (b"Opus", "with Opus")]
)
def test_a_codec_that_crashes_essentia_is_refused_by_name(tmp_path, codec, named):
    (tmp_path / "a.m4a").write_bytes(mp4(MUSIC, codec=codec))
    with pytest.raises(NotAudioError, match=f"an MP4 file {named}; convert"):
        mel_bands(tmp_path / "a.m4a")


@pytest.mark.parametrize("length", [2**62, 2**63, 2**64 - 1])
def test_a_box_that_ends_farther_than_a_file_can_be_is_the_last_one(tmp_path, length):
    whole = mp4(MUSIC)
    path = tmp_path / "a.m4a"
    path.write_bytes(whole + struct.pack(">I4sQ", 1, b"free", length))
    movie = read_mp4(path)
    assert movie.sound is not None and not movie.is_complete


@pytest.mark.parametrize("suffix", [".webm", ".mkv", ".dsf", ""])
def test_a_sound_file_with_another_suffix_is_listed(tmp_path, suffix):
    """So that the extraction can say what it is: a class of such files is not without audio."""
    path = tmp_path / f"a{suffix}"
    path.write_bytes({".dsf": b"DSD ", "": b"#!AMR\n"}.get(suffix, b"\x1a\x45\xdf\xa3"))
    assert is_audio(str(path))


@pytest.mark.parametrize(
    "content",
    [b"MThd", b"", b"RIFF\0\0\0\0WEBP", b"\xff\xfe" + b"u\0t\0f\0" * 99, b"120\n", b"wide free"],
)
def test_other_files_are_not_listed(tmp_path, content):
    path = tmp_path / "a.xyz"
    path.write_bytes(content)
    assert not is_audio(str(path))


def encoded(form, subtype=None, rate=RATE):
    file = io.BytesIO()
    soundfile.write(file, MUSIC, rate, format=form, subtype=subtype)
    return file.getvalue()


@pytest.mark.parametrize("garbage", [b"", bytes(5000), np.random.default_rng(2).bytes(3000)])
@pytest.mark.parametrize("rate", [16000, 22050, 44100])
def test_an_mp3_is_recognised_by_frames_that_follow_each_other(tmp_path, garbage, rate):
    (tmp_path / "a").write_bytes(garbage + encoded("MP3", rate=rate))
    assert containers.recognise(tmp_path / "a").container.suffix == ".mp3"


NOISE = np.random.default_rng(3).bytes
APE_HEAD = struct.pack("<8sIIII8x", b"APETAGEX", 2000, 300_032, 1, 0xA0000000)
FRONTS = {
    "zeros": bytes(150_000),
    "noise": NOISE(200_000),
    "a tag with padding that it does not count": b"ID3\4\0\0\0\0\0\x0a" + bytes(300_000),
    "a tag with a size of eight bits": b"ID3\3\0\0"
    + struct.pack(">I", 2_000_000)
    + NOISE(2_000_000),
    "an APE tag with a cover": APE_HEAD + NOISE(300_000) + APE_HEAD,
    "two tags": b"ID3\4\0\0\0\0\0\x0a" + bytes(10) + APE_HEAD + NOISE(300_032),
}


@pytest.mark.parametrize("front", FRONTS)
def test_an_mp3_may_start_late(tmp_path, front):
    (tmp_path / "a.mp3").write_bytes(FRONTS[front] + encoded("MP3"))
    assert abs(len(mel_bands(tmp_path / "a.mp3")) - len(MUSIC) / 1024) <= 6


@pytest.mark.parametrize("front", [b"\n\n", b"HTTP/1.0 200 OK\r\n\r\n", NOISE(5000)])
def test_an_ogg_file_may_start_late(tmp_path, front):
    (tmp_path / "a.ogg").write_bytes(encoded("OGG"))
    expected = mel_bands(tmp_path / "a.ogg")
    (tmp_path / "a.ogg").write_bytes(front + encoded("OGG"))
    np.testing.assert_array_equal(mel_bands(tmp_path / "a.ogg"), expected)
    assert what_is_missing(tmp_path / "a.ogg", len(MUSIC) / RATE) is None
    (tmp_path / "a.ogg").write_bytes(front + encoded("OGG")[:-3000])
    assert "the end of its Ogg stream" in what_is_missing(tmp_path / "a.ogg", len(MUSIC) / RATE)


def test_a_file_that_libsndfile_decodes_in_part_is_not_blamed_for_its_format(tmp_path):
    """FFmpeg writes such Opus files, whose positions are ahead of their sound."""
    pages = list(ogg_pages(encoded("OGG", "OPUS", 48000)))
    page = pages[len(pages) // 2]
    (position,) = struct.unpack("<q", page[6:14])
    ahead = checked(page[:6] + struct.pack("<q", position + 488) + page[14:])
    pages[len(pages) // 2] = ahead
    (tmp_path / "a.opus").write_bytes(b"".join(pages))
    with pytest.raises(
        NotAudioError, match="an Ogg file that libsndfile decodes only in part; rep"
    ):
        mel_bands(tmp_path / "a.opus")


def test_an_archive_of_ogg_files_is_no_ogg_file(tmp_path):
    (tmp_path / "b.ogg").write_bytes(encoded("OGG"))
    with tarfile.open(tmp_path / "a.ogg", "w") as archive:
        archive.add(tmp_path / "b.ogg", "b.ogg")
    with pytest.raises(NotAudioError, match="it is an archive; unpack it"):
        mel_bands(tmp_path / "a.ogg")


def test_random_bytes_have_no_frames():
    lengths = [elementary_streams.mpeg_frame, elementary_streams.adts_frame]
    lengths.append(elementary_streams.ac3_frame)
    for seed in range(50):
        data = np.random.default_rng(seed).bytes(
            containers.HEAD if seed else containers.STREAM_HEAD
        )
        assert not any(elementary_streams.has_frames(data, length) for length in lengths)


class TestSpeechCodecs:
    """libsndfile cannot seek in them."""

    @pytest.mark.parametrize(
        ("file", "subtype"),
        [
            *(("a.wav", "GSM610"), ("a.au", "G721_32"), ("a.au", "G723_24")),
            *(("a.aiff", "GSM610"), ("a.wav", "G721_32"), ("a.wav", "NMS_ADPCM_32")),
        ],
    )
    def test_they_are_decoded(self, tmp_path, file, subtype):
        soundfile.write(tmp_path / file, MUSIC[::5], 8820, subtype)
        assert abs(len(mel_bands(tmp_path / file)) - len(MUSIC) / 1024) <= 5

    def test_no_samples_are_added_where_the_header_states_too_many(self, tmp_path):
        """As in MP3 in WAV."""
        (tmp_path / "a.wav").write_bytes(mp3_in_wav(encoded("MP3", rate=RATE)))
        bands = mel_bands(tmp_path / "a.wav")
        assert np.isfinite(bands).all() and abs(len(bands) - len(MUSIC) / 1024) <= 3


def wav_header(channels, rate, n_bytes=440_000):
    file = io.BytesIO()
    with wave.open(file, "wb") as opened:
        opened.setnchannels(channels)
        opened.setsampwidth(2)
        opened.setframerate(rate)
        opened.writeframes(bytes(n_bytes))
    return file.getvalue()


class TestLimits:
    """They are read from the header, before anything is decoded."""

    @pytest.mark.parametrize("rate", [1, 50, 3999, 10_000_000])
    @pytest.mark.parametrize("form", ["wav", "au", "aiff", "flac", "caf", "w64", "m4a"])
    def test_an_impossible_sampling_rate_is_refused(self, tmp_path, rate, form):
        path = tmp_path / f"a.{form}"
        try:
            if form == "m4a":
                path.write_bytes(mp4(MUSIC, rate=min(rate, 3999)))
            else:
                soundfile.write(path, MUSIC, rate, format=form)
        except soundfile.SoundFileError:
            pytest.skip("libsndfile does not write it")
        with pytest.raises(NotAudioError, match=r"has a sampling rate of \d+ Hz; from 4000"):
            mel_bands(path)

    @pytest.mark.parametrize("channels", [257, 1024, 32767])
    def test_too_many_channels_are_refused(self, tmp_path, channels):
        (tmp_path / "a.wav").write_bytes(wav_header(channels, RATE, 2 * channels * 100))
        with pytest.raises(NotAudioError, match=f"has {channels} channels; from 1 to 256"):
            mel_bands(tmp_path / "a.wav")

    def test_a_long_file_is_refused_before_it_is_decoded(self, tmp_path, monkeypatch):
        monkeypatch.setattr("workflow_scripts.audio.front_end._frames", None)
        with (tmp_path / "a.wav").open("wb") as file:
            file.write(wav_header(1, 8000, 0)[:40] + b"\xff\xff\xff\x7e")
            # Sparse: 13 hours at 8 kHz.
            file.truncate(13 * 3600 * 16000)
        with pytest.raises(NotAudioError, match="is longer than 12 hours"):
            mel_bands(tmp_path / "a.wav")

    @pytest.mark.parametrize("length", [0, 8, 23, 1 << 40, 1 << 63, (1 << 64) - 1])
    def test_an_impossible_chunk_is_left_to_the_decoder(self, tmp_path, length):
        path = tmp_path / "a.w64"
        soundfile.write(path, MUSIC, RATE)
        data = bytearray(path.read_bytes())
        struct.pack_into("<Q", data, 40 + 16, length)
        path.write_bytes(data)
        with pytest.raises(NotAudioError, match="is a Wave64 file that is damaged"):
            mel_bands(path)

    def test_many_channels_are_not_given_to_essentia(self, tmp_path, monkeypatch):
        """It crashes if there are 256."""
        soundfile.write(tmp_path / "mono.wav", MUSIC, RATE)
        mono = mel_bands(tmp_path / "mono.wav")
        monkeypatch.setattr(decoding, "linked", None)
        soundfile.write(tmp_path / "a.wav", np.stack([MUSIC] * 256, axis=1), RATE)
        assert np.abs(mel_bands(tmp_path / "a.wav") - mono).max() < 1e-4 * mono.max()

    # The first is the range of 16 bits.
    @pytest.mark.parametrize("size", [32767, 1e20, 1e25, 3e38])
    def test_samples_too_large_are_refused(self, tmp_path, size):
        soundfile.write(tmp_path / "a.wav", np.float32(size) * MUSIC, RATE, "FLOAT")
        with pytest.raises(NotAudioError, match="too large for audio"):
            mel_bands(tmp_path / "a.wav")


class TestChannelsThatCancel:
    @pytest.mark.parametrize("file", ["a.wav", "a.flac", "a.mp3", "a.ogg", "a.aiff", "a.caf"])
    @pytest.mark.parametrize("gain", [1, 0.3])
    def test_they_are_named(self, tmp_path, file, gain):
        soundfile.write(tmp_path / file, gain * np.stack([CHORD, -CHORD], axis=1), RATE)
        with pytest.raises(NotAudioError, match="its channels cancel each other"):
            mel_bands(tmp_path / file)

    def test_they_are_named_in_a_long_track_and_in_opus(self, tmp_path):
        music = np.tile(MUSIC, 16)
        soundfile.write(tmp_path / "a.wav", np.stack([music, -music], axis=1), RATE)
        soundfile.write(
            tmp_path / "a.opus",
            np.stack([CHORD, -CHORD], axis=1),
            48000,
            format="OGG",
            subtype="OPUS",
        )
        for file in ("a.wav", "a.opus"):
            with pytest.raises(NotAudioError, match="its channels cancel each other"):
                mel_bands(tmp_path / file)

    @pytest.mark.parametrize(
        "channels",
        [
            (MUSIC, 0 * MUSIC),
            (MUSIC, -0.7 * MUSIC),
            (MUSIC, -np.roll(MUSIC, 20)),
            (1e-3 * MUSIC, MUSIC * 0),
        ],
        ids=["left only", "partly", "late", "quiet"],
    )
    def test_other_stereo_is_used(self, tmp_path, channels):
        soundfile.write(tmp_path / "a.wav", np.stack(channels, axis=1), RATE, "PCM_24")
        assert len(mel_bands(tmp_path / "a.wav")) > 160

    def test_a_quiet_mono_file_is_used(self, tmp_path):
        soundfile.write(tmp_path / "a.wav", 1e-3 * MUSIC, RATE, "PCM_24")
        assert len(mel_bands(tmp_path / "a.wav")) > 160
