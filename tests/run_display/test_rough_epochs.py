"""Rough seconds of an epoch, against arithmetic by hand; nothing before the tracks are known."""

from types import SimpleNamespace

import pytest

from tests.conftest import only, overlay, shipped_config
from tests.processes import ROOT
from tests.training_data import Training
from workflow_scripts.run_display.rough_epochs import rough_epochs
from workflow_scripts.run_display.training_costs import (
    MULTIPLICATION,
    PARAMETER,
    PREDICTION,
    STEP,
)
from workflow_scripts.workflow import configuration


@pytest.fixture
def files(tmp_path):
    """18 tracks of 1000 frames, three classes, three folds."""
    return Training(tmp_path / "data", "frequency_32x1").folder


@pytest.fixture
def config():
    own = overlay(shipped_config(), {"variants": only(frequency_32x1={}), "folds": 3})
    configuration.complete(own, ROOT / "config.yaml")
    return own


def seconds(folder, config, hop=None):
    results = SimpleNamespace(folds=folder / "folds.csv")
    return rough_epochs(config, results, SimpleNamespace(index=[folder / "shard-0.csv"]), hop)


# Filters 32 x 1 on 40 x 80: 9 x 80 places; 32 filters with bias; 9 x 32 inputs of three classes.
N_MULTIPLICATIONS = 9 * 80 * 32 * 32
N_PARAMETERS = 32 * 32 + 32 + 9 * 32 * 3 + 3
STEP_SECONDS = STEP + 10 * N_MULTIPLICATIONS * MULTIPLICATION + N_PARAMETERS * PARAMETER
PREDICTION_SECONDS = N_MULTIPLICATIONS * MULTIPLICATION * PREDICTION


def test_an_epoch_is_its_steps_and_predictions(files, config):
    # 12 segments a track; one fold trains, in 7 whole batches of 10 segments, one validates.
    expected = 7 * STEP_SECONDS + 72 * PREDICTION_SECONDS
    assert seconds(files, config) == {"frequency_32x1": pytest.approx(expected, rel=1e-3)}


def test_the_hop_between_training_segments_counts(files, config):
    # Segments start at 0, 40, ..., 920: 24 a track.
    expected = 14 * STEP_SECONDS + 72 * PREDICTION_SECONDS
    assert seconds(files, config, 40) == {"frequency_32x1": pytest.approx(expected, rel=1e-3)}


def test_nothing_is_known_without_tracks_or_their_lengths(files, config):
    config["training"]["batch_size"] = 100
    assert seconds(files, config) is None, "less than a batch"
    (files / "shard-0.csv").write_text("damaged\n")
    assert seconds(files, config) is None
    (files / "folds.csv").unlink()
    assert seconds(files, config) is None
