"""A training loss that explodes but stays finite is reported in log, record and notes."""

import math

import pytest

from tests.training_data import Training
from workflow_scripts import checksums
from workflow_scripts.dataset import split
from workflow_scripts.networks.explosion import explosion, sentences
from workflow_scripts.networks.identity import ModelKey
from workflow_scripts.networks.training import Epoch
from workflow_scripts.results import provenance


def history(*losses):
    return [Epoch(number, 0.01, loss, 0.5, 1.0, 0.5, 1.0) for number, loss in enumerate(losses, 1)]


def test_a_network_that_learns_or_guesses_has_not_exploded():
    guessing = math.log(8)
    assert explosion(history(2.0, 1.0, 0.1), 8) is None
    # Twice the loss of guessing, with random weights and dropout, as on the demo.
    assert explosion(history(2 * guessing, guessing, guessing), 8) is None


@pytest.mark.parametrize("losses", [(2.0, 1e9), (1e9, 2.0), (2.0, 1e9, 30.0)])
def test_an_explosion_is_found_in_any_epoch(losses):
    found = explosion(history(*losses), 8)
    assert found == {"epoch": losses.index(1e9) + 1, "loss": 1e9}


def test_the_threshold_is_ten_times_the_loss_of_guessing():
    for n_classes in (2, 8, 300):
        guessing = math.log(n_classes)
        assert explosion(history(9.9 * guessing), n_classes) is None
        assert explosion(history(10.1 * guessing), n_classes) is not None


def test_a_sentence_names_variant_and_folds():
    exploded = {"epoch": 3, "loss": 1.234e9}
    fits = [
        {"variant": "time", "fold": 0, "classes": [*"abcdefgh"], "explosion": None},
        {"variant": "time", "fold": 1, "classes": [*"abcdefgh"], "explosion": exploded},
        {"variant": "box", "fold": 0, "classes": [*"ab"], "explosion": exploded | {"loss": 50.0}},
        {"variant": "box", "fold": 1, "classes": [*"ab"], "explosion": exploded},
    ]
    assert sentences(fits) == [
        "The training of time diverged in fold 1: the loss reached 1.2e+09 in epoch 3, guessing "
        "has 2.1. Lower training.learning_rate.",
        "The training of box diverged in folds 0, 1: the loss reached 1.2e+09 in epoch 3, guessing "
        "has 0.69. Lower training.learning_rate.",
    ]
    assert sentences(fits[:1]) == []


@pytest.mark.workflow
def test_a_training_reports_its_explosion(tmp_path):
    training = Training(tmp_path, "time_1x60", max_epochs=2, learning_rate=1.0)
    assert training.run("model") == 0
    log = training.log("model")
    assert "note: The training of time_1x60 diverged in fold 0: the loss reached " in log
    key = ModelKey.of("time_1x60", 0, split.read(tmp_path / "folds.csv"))
    fit = provenance.read(tmp_path / "model/fit.json", key)
    assert fit["explosion"]["loss"] > 10 * math.log(3)
    calm = Training(tmp_path / "calm", "time_1x60", max_epochs=2)
    assert calm.run("model") == 0
    assert "note: The training" not in calm.log("model")
    fit = checksums.read_json(tmp_path / "calm/model/fit.json", key.record)
    assert fit["explosion"] is None
