"""Features, folds, scalers and weights of one front end are not used with another."""

import argparse
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests import mel_oracle
from tests.conftest import only, shipped_config
from tests.front_ends import FRONT_ENDS, SPEECH_RATE
from tests.papers import PAPERS
from workflow_scripts import checksums
from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.dataset import augmentation, experiment_data, split
from workflow_scripts.dataset.experiment_data import ExperimentData
from workflow_scripts.dataset.features import Content, FeatureFiles, read_index, write_shard
from workflow_scripts.dataset.normalisation import Scaler, Sums, compress, fit
from workflow_scripts.dataset.segments import Segments
from workflow_scripts.errors import UserError
from workflow_scripts.networks import weights
from workflow_scripts.networks.identity import ModelKey
from workflow_scripts.results import provenance
from workflow_scripts.workflow import configuration
from workflow_scripts.workflow.training_settings import settings_of

TRACKS = pd.DataFrame({name: [*"abc"] for name in ("track_id", "label", "digest")})
WITHOUT_COMPRESSION = replace(PAPERS, compression=None)


def write(folder, front_end, of_folds=None):
    """Features of three tracks, and their folds."""
    energies = np.random.default_rng(0).random((3, 90, front_end.n_bands), np.float32)
    contents = [Content(name, own) for name, own in zip("abc", energies, strict=True)]
    write_shard(folder / "s.npy", contents, front_end)
    split.write(folder / "folds.csv", TRACKS, np.arange(3), (of_folds or front_end).key)
    return energies


def options(folder, front_end):
    parser = argparse.ArgumentParser()
    experiment_data.add_options(parser, scaler=False)
    files = ["--features", folder / "s.npy", "--index", folder / "s.csv"]
    given = ["--front-end", json.dumps(front_end.settings)]
    arguments = [*files, "--folds", folder / "folds.csv", *given]
    return parser.parse_args([*map(str, arguments)])


def test_features_of_another_front_end_are_refused(tmp_path):
    write(tmp_path, PAPERS, SPEECH_RATE)
    data = ExperimentData.read(options(tmp_path, SPEECH_RATE))
    with pytest.raises(UserError) as error:
        data.features(["a", "b"])
    assert str(error.value) == (
        f"{tmp_path / 's.csv'} has features of the front end {PAPERS.key}, but {SPEECH_RATE.key} "
        "is configured; remove it and run snakemake"
    )
    # The same bands, so that no shape would show it.
    with pytest.raises(UserError, match="has features of the front end"):
        FeatureFiles([tmp_path / "s.npy"], [tmp_path / "s.csv"], WITHOUT_COMPRESSION).of(["a"])


def test_folds_of_another_front_end_are_refused(tmp_path):
    write(tmp_path, SPEECH_RATE, PAPERS)
    with pytest.raises(UserError, match=f"is of the front end {PAPERS.key}, but {SPEECH_RATE.key}"):
        ExperimentData.read(options(tmp_path, SPEECH_RATE))


@pytest.mark.parametrize("front_end", [SPEECH_RATE, WITHOUT_COMPRESSION])
def test_weights_of_another_front_end_are_refused(tmp_path, front_end):
    """Those of a donor too: a step reads them with the key of its own tracks."""
    folds = {}
    for own in (PAPERS, front_end):
        split.write(tmp_path / f"{own.key}.csv", TRACKS, np.arange(3), own.key)
        folds[own] = split.read(tmp_path / f"{own.key}.csv")
    assert folds[PAPERS].key != folds[front_end].key
    arrays = {"time.weight": np.ones((2, 1, 3), np.float32)}
    weights.write(tmp_path / "w.npz", arrays, ModelKey.of("time", 1, folds[front_end]))
    with pytest.raises(UserError, match=r"w\.npz is damaged or belongs elsewhere: its checksum is"):
        weights.read(tmp_path / "w.npz", ModelKey.of("time", 1, folds[PAPERS]))
    weights.write(tmp_path / "w.npz", arrays, ModelKey.of("time", 1, folds[PAPERS]))
    with pytest.raises(UserError, match=f" with the front end {front_end.key}; remove it and run"):
        weights.read(tmp_path / "w.npz", ModelKey.of("time", 1, folds[front_end]))


def test_results_without_a_front_end_are_of_the_papers(tmp_path):
    split.write(tmp_path / "folds.csv", TRACKS, np.arange(3))
    assert "front_end" not in (tmp_path / "folds.csv").read_text()
    tracks = split.read(tmp_path / "folds.csv")
    assert tracks.front_end == PAPERS.key and len(tracks.key) == 16
    key = ModelKey.of("time", 0, tracks)
    checksums.write_json(tmp_path / "fit.json", {"seed": 1}, key.record)
    recorded = provenance.read(tmp_path / "fit.json", key)
    assert recorded == {"seed": 1, "front_end": PAPERS.settings}


def test_the_settings_of_a_training_have_the_front_end_in_numbers():
    """So `null`, 22050 and 22050.0 are one setting."""
    found = []
    for highest in (None, 22050, 22050.0):
        config = shipped_config() | {"dataset": "demo", "variants": only(time_1x60={})}
        config["variants"]["time_1x60"] = shipped_config()["variants"]["time_1x60"]
        config["front_end"] = {"max_frequency": highest}
        configuration.complete(config)
        found.append(json.dumps(settings_of(config, "time_1x60")["front_end"]))
    assert [*map(json.loads, found)] == 3 * [PAPERS.settings] and len(set(found)) == 1


def test_a_training_without_compression_sees_the_energies(tmp_path):
    energies = write(tmp_path, WITHOUT_COMPRESSION)
    files = FeatureFiles([tmp_path / "s.npy"], [tmp_path / "s.csv"], WITHOUT_COMPRESSION)
    sums = read_index(tmp_path / "s.csv")[["total", "squares"]].sum()
    scaler = fit(Sums(energies.size, *map(float, sums)))
    assert scaler.mean == pytest.approx(energies.mean(dtype=float), rel=1e-9)
    assert scaler.std == pytest.approx(energies.std(dtype=float), rel=1e-9)
    features = files.of([*"abc"])
    segments = Segments(features, np.array([2]), np.array([10]), 20, Scaler(0.25, 2))
    expected = ((energies[2, 10:30] - 0.25) / 2).T
    assert np.allclose(segments[:][0], expected, rtol=1e-6)
    other = Segments(
        FeatureFiles([tmp_path / "s.npy"], [tmp_path / "s.csv"], WITHOUT_COMPRESSION).of([*"abc"]),
        *(np.array([2]), np.array([10]), 20, Scaler(0.25, 2)),
    )
    assert segments.digest() == other.digest()
    write(tmp_path, PAPERS)
    compressed = FeatureFiles([tmp_path / "s.npy"], [tmp_path / "s.csv"], PAPERS).of([*"abc"])
    again = Segments(compressed, np.array([2]), np.array([10]), 20, Scaler(0.25, 2))
    assert again.digest() != segments.digest()


def test_compression_with_another_constant():
    values = np.array([0, 1e-3, 2.0])
    assert np.allclose(compress(values, 1), np.log([1, 1.001, 3]))
    assert compress(values, None) is values


@pytest.mark.parametrize("name", FRONT_ENDS)
@pytest.mark.parametrize("semitones", [-7, 5])
def test_a_pitch_shift_moves_a_tone_to_the_band_of_its_new_pitch(name, semitones):
    front_end = FRONT_ENDS[name]
    settings, rate = front_end.settings, front_end.sample_rate
    time = np.arange(rate) / rate

    def tone(hertz):
        found = mel_oracle.mel_bands(np.sin(2 * np.pi * hertz * time), **settings)
        return found[len(found) // 2]

    shifted = augmentation.pitch_shift(tone(2000)[np.newaxis], semitones, front_end)[0]
    expected = tone(2000 * 2 ** (semitones / 12))
    assert abs(int(shifted.argmax()) - int(expected.argmax())) <= 1


def test_a_pitch_shift_leaves_the_range_of_the_bands_empty():
    """Sound from below the lowest frequency is not known."""
    front_end = FrontEnd(16000, 512, 256, "hann", 40, 500, 8000)
    shifted = augmentation.pitch_shift(np.ones((1, 40), np.float32), 12, front_end)[0]
    assert shifted[0] == 0 and shifted[-1] == 1
    up = augmentation.pitch_shift(np.ones((1, 40), np.float32), -12, front_end)[0]
    assert up[-1] == 0 and up[0] == 1
