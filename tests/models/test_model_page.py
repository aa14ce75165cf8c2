"""The NumPy code in docs/model-files.md, taken literally, predicts what the labeller predicts."""

import json
import re
from dataclasses import asdict, replace

import numpy as np
import pytest
import soundfile

from tests import hostile_models, mel_oracle
from tests.conftest import (
    ROOT,
    biased_weights,
    clicks,
    network_of,
    relative_error,
    short_network,
    write_wav,
)
from tests.model_files import PAPERS, SPEECH, onnx_of, trained, written
from tests.models.test_front_ends import FRONT_ENDS, a_model, music
from workflow_scripts.audio.decoding import NotAudioError
from workflow_scripts.audio.front_end import mel_bands
from workflow_scripts.audio.front_end_checks import MOST_ENERGIES, MOST_OVERLAP, WINDOWS
from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.audio.silence import in_silence
from workflow_scripts.dataset import class_names
from workflow_scripts.dataset.level import TrainingLevel
from workflow_scripts.labelling.label_tracks import label_one
from workflow_scripts.models import limits, method, package
from workflow_scripts.models.runtime import Session
from workflow_scripts.models.zip_entries import MOST_ENTRIES

PAGE = (ROOT / "docs/model-files.md").read_text()
FRONT_END = method.front_end_of(PAPERS)
# Difference of a probability: Essentia computes in float32.
TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def page():
    """What the code block on the page defines."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    defined = {}
    exec(code, defined)
    return defined


def decided(folder, variant, fold=0):
    """The content of a model whose segments vote for different classes, as in trained ones."""
    network = network_of(variant, 3)
    weights = biased_weights(network, fold)
    energies = []
    for name, sound in sounds():
        write_wav(folder / f"{name}.wav", sound)
        bands = mel_bands(folder / f"{name}.wav", PAPERS)
        n_segments = len(bands) // network.frames
        energies.append(
            bands[: n_segments * network.frames].reshape(n_segments, network.frames, 40)
        )
    session = Session(trained(network, weights=weights).onnx_bytes())
    logits = np.log(session.probabilities(np.concatenate(energies)))
    for name, change in (("bias", -logits.mean(axis=0)), ("weight", 0)):
        weights[f"output.{name}"] = (weights[f"output.{name}"] + change) / logits.std(axis=0).mean()
    return trained(network, variant, fold, weights=weights).onnx_bytes()


def sounds():
    rng = np.random.default_rng(0)
    for bpm, seconds in ((60, 3), (95, 5.3), (180, 8), (140, 6.0001)):
        yield f"{bpm}", clicks(rng, bpm, seconds)
    yield "stereo", np.stack([clicks(rng, 100, 6), clicks(rng, 70, 6)], axis=1)
    yield "noise", 0.1 * rng.standard_normal(4 * 44100).clip(-3, 3)
    yield "quiet", 1e-2 * clicks(rng, 120, 4)


@pytest.mark.parametrize(
    "variants", [("frequency_32x1",), ("timefrequency",), ("time_1x60", "time_1x200")]
)
def test_it_predicts_what_the_labeller_predicts(tmp_path, page, variants):
    model = tmp_path / "model.zip"
    files = [decided(tmp_path, variant, fold) for variant in variants for fold in range(3)]
    package.write(model, package.together(files), dict.fromkeys(variants, "# A card\n"))
    models = page["models_in"](model)
    found = []
    for name, sound in sounds():
        write_wav(tmp_path / f"{name}.wav", sound)
        if "time_1x200" in variants and len(sound) < 6 * 44100:
            continue
        label, shares, means = page["predict"](models, tmp_path / f"{name}.wav")
        ours = label_one(model, tmp_path / f"{name}.wav")
        assert label == ours.label, name
        assert list(means) == list(ours.classes)
        assert np.allclose(list(shares.values()), ours.vote_shares, rtol=0, atol=1e-9), name
        error = np.abs(np.subtract(list(means.values()), ours.probabilities)).max()
        assert error < TOLERANCE, name
        found.append(label)
    assert len(set(found)) > 1, "one class for all tracks would show nothing"


def test_silent_segments_do_not_vote(tmp_path, page):
    """Three seconds of clicks, a minute of silence: as the clicks alone."""
    (tmp_path / "model.onnx").write_bytes(decided(tmp_path, "timefrequency"))
    sound = clicks(np.random.default_rng(0), 120, 80 * 1024 * 2 / 44100)
    for name, n_silent in (("alone", 0), ("silence", 60 * 44100)):
        write_wav(tmp_path / name, np.concatenate([sound, np.zeros(n_silent)]))
    alone, with_silence = (
        page["predict"]([tmp_path / "model.onnx"], tmp_path / name) for name in ("alone", "silence")
    )
    assert with_silence[0] == alone[0]
    assert np.abs(np.subtract(list(with_silence[2].values()), list(alone[2].values()))).max() < 0.1
    ours = label_one(tmp_path / "model.onnx", tmp_path / "silence")
    assert with_silence[0] == ours.label
    assert np.allclose(list(with_silence[1].values()), ours.vote_shares, rtol=0, atol=1e-9)


def without_class():
    """Sounds that no labeller can name, and which variants refuse them, by what they are."""
    rng = np.random.default_rng(0)
    return {
        "zeros": (np.zeros(10 * 44100), "timefrequency"),
        "an offset": (np.full(10 * 44100, 0.5), "timefrequency"),
        "nothing": (np.zeros(0), "timefrequency"),
        "half a second": (clicks(rng, 120, 0.5), "timefrequency"),
        "three seconds": (clicks(rng, 120, 3), "time_1x200"),
        "zeros of half a second": (np.zeros(22050), "single_frame"),
        "sound only in the incomplete last segment": (
            np.concatenate([np.zeros(80 * 1024), clicks(rng, 240, 1)]),
            "timefrequency",
        ),
    }


SINGLE_FRAME = short_network({"frequency": ((32, 1), (1, 1), 4)}, 40, 1, 0, 3)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("what", without_class())
def test_a_track_without_a_counted_segment_has_no_class(tmp_path, page, what):
    """Neither on the page nor from the labeller, for one model or beside one that could."""
    sound, variant = without_class()[what]
    write_wav(tmp_path / "track.wav", sound)
    networks = {"single_frame": SINGLE_FRAME}
    for variants in ([variant], ["frequency_32x1", variant]):
        files = [written(networks.get(name) or network_of(name, 3), name) for name in variants]
        model = tmp_path / f"{len(files)}.zip"
        package.write(model, package.together(files), {})
        with pytest.raises(ValueError, match=r"track.wav is too short or silent: it has no class"):
            page["predict"](files, tmp_path / "track.wav")
        with pytest.raises(NotAudioError):
            label_one(model, tmp_path / "track.wav")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_samples_that_are_not_audio_have_no_class(tmp_path, page, value):
    sound = clicks(np.random.default_rng(0), 120, 3).astype(np.float32)
    sound[50_000] = value
    soundfile.write(tmp_path / "track.wav", sound, 44100, subtype="FLOAT")
    with pytest.raises(ValueError, match=r"track.wav has samples that are not audio"):
        page["predict"]([onnx_of("timefrequency")], tmp_path / "track.wav")


def test_a_model_of_an_older_format_is_refused(tmp_path, page):
    write_wav(tmp_path / "track.wav", clicks(np.random.default_rng(0), 120, 3))
    with pytest.raises(ValueError, match="a model of format 2 is described in another way"):
        page["predict"]([hostile_models.with_metadata(format=2)], tmp_path / "track.wav")


@pytest.mark.parametrize("level", [None, TrainingLevel("normalised", -40, -30)])
@pytest.mark.parametrize("front_end", FRONT_ENDS.values(), ids=FRONT_ENDS)
def test_it_predicts_with_any_front_end(tmp_path, page, front_end, level):
    path = tmp_path / "a.wav"
    write_wav(path, music(front_end.sample_rate), front_end.sample_rate)
    model = a_model(mel_bands(path, front_end), front_end)
    data = replace(model, metadata=replace(model.metadata, level=level)).onnx_bytes()
    (tmp_path / "m.onnx").write_bytes(data)
    label, shares, means = page["predict"]([data], path)
    ours = label_one(tmp_path / "m.onnx", path)
    assert label == ours.label
    assert list(shares.values()) == pytest.approx(ours.vote_shares)
    assert list(means.values()) == pytest.approx(ours.probabilities, abs=TOLERANCE)
    with pytest.raises(ValueError, match=f"resample to {front_end.sample_rate} Hz first"):
        write_wav(path, music(8000), 8000)
        page["predict"]([data], path)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("front_end", [PAPERS, SPEECH, FRONT_ENDS["triangular, a range"]])
def test_its_energies_are_those_of_the_front_end(tmp_path, page, front_end, window):
    """Of Essentia. Single bands differ more in float32 if they have a frequency or two."""
    front_end = replace(front_end, window=window)
    described = json.loads(json.dumps(method.front_end_of(front_end)))
    sound = music(front_end.sample_rate, 4.1)
    write_wav(tmp_path / "a.wav", sound, front_end.sample_rate)
    samples = (sound * 32767).astype("<i2") / 32768
    energies = page["mel_energies"](samples, described)
    error = relative_error(energies, mel_bands(tmp_path / "a.wav", front_end))
    assert error < (1e-5 if front_end.n_bands == 40 else 1e-4)


@pytest.mark.parametrize("hop_size", [32, 100, 128, 129, 200, 255, 256])
def test_it_has_as_many_frames_as_the_front_end(tmp_path, page, hop_size):
    front_end = FrontEnd(8000, 256, hop_size, "hann", 8, 0, 4000)
    for n in (1, hop_size, 3 * hop_size - 1, 3 * hop_size, 3 * hop_size + 1, 1000, 1111):
        sound = 0.1 * np.random.default_rng(n).standard_normal(n).clip(-3, 3)
        write_wav(tmp_path / "a.wav", sound, 8000)
        energies = page["mel_energies"](sound, method.front_end_of(front_end))
        assert energies.shape == mel_bands(tmp_path / "a.wav", front_end).shape, n


@pytest.mark.parametrize("front_end", FRONT_ENDS.values(), ids=FRONT_ENDS)
def test_its_energies_are_those_of_the_tests_own_computation(page, front_end):
    samples = music(front_end.sample_rate, 4)
    energies = page["mel_energies"](samples, method.front_end_of(front_end))
    oracle = mel_oracle.mel_bands(samples, **asdict(front_end))
    assert relative_error(energies, oracle) < 1e-6


@pytest.mark.parametrize("offset", [0, 0.5])
@pytest.mark.parametrize("front_end", FRONT_ENDS.values(), ids=FRONT_ENDS)
def test_its_silences_are_those_of_the_front_end(tmp_path, page, front_end, offset):
    """A pause of two seconds, and a constant offset, which fills the lowest bands."""
    rate = front_end.sample_rate
    sound = 0.4 * music(rate, 6)
    sound[2 * rate : 4 * rate] = 0
    write_wav(tmp_path / "a.wav", sound + offset, rate)
    energies = mel_bands(tmp_path / "a.wav", front_end)
    silent = page["in_silence"](energies, method.segments_of(30, front_end)["silence"])
    assert np.array_equal(silent, in_silence(energies, front_end))
    assert silent.mean() == pytest.approx(1 / 3, abs=0.05)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sample_rate", 48000),
        ("frame_size", 1024),
        ("hop_size", 512),
        ("window_coefficients", [0.5, 0.5, 0]),
        ("window_sum", 1),
        ("n_bands", 30),
        ("lowFrequencyBound", 100),
        ("highFrequencyBound", 8000),
        ("mel_constants", [1127.01048, 1000]),
    ],
)
def test_it_reads_the_parameters_from_the_metadata(page, name, value):
    """Each changes the energies."""
    samples = clicks(np.random.default_rng(0), 100, 1)
    ours = page["mel_energies"](samples, FRONT_END)
    other = page["mel_energies"](samples, FRONT_END | {name: value})
    assert other.shape != ours.shape or not np.allclose(other, ours, rtol=1e-2)


def spaced(number):
    """A number with spaces between thousands."""
    return f"{number:,}".replace(",", " ")


def test_the_page_has_the_limits():
    for number in (
        f"{limits.MOST_MODELS} |",
        f"{limits.LARGEST_MODEL >> 20} MiB",
        f"{limits.MOST_PARAMETERS // 10**6} million, "
        f"{limits.MOST_PARAMETERS_TOGETHER // 10**6} million",
        f"{limits.MOST_VALUES // 10**6} million",
        f"{limits.MOST_OPERATIONS // 10**6} million",
        spaced(MOST_ENERGIES),
        f"a {MOST_OVERLAP}nd to the whole",
        f"{limits.LARGEST_METADATA >> 10} KiB",
        f"{limits.MOST_CLASSES}; {spaced(limits.MOST_PROBABILITIES)}, "
        f"{spaced(limits.MOST_PROBABILITIES_TOGETHER)}",
        f"{class_names.LONGEST_NAMES >> 10} KiB",
        f"up to {MOST_ENTRIES} entries",
    ):
        assert number in PAGE, number
    frames, hidden = spaced(limits.MOST_FRAMES), spaced(limits.MOST_HIDDEN)
    assert (
        f"{frames}; {limits.MOST_TRUNKS}; {limits.MOST_LAYERS}; {limits.MOST_FILTERS}" in PAGE
        and hidden in PAGE
    )
    assert set(method.segments_of(80, PAPERS)) >= {"frames", "silence"}
