"""The methods paragraphs follow the configuration and the records of the trainings."""

import copy
import dataclasses

import numpy as np
import pandas as pd
import pytest

from tests.conftest import ROOT, shipped_config
from workflow_scripts.dataset import split
from workflow_scripts.report import methods
from workflow_scripts.workflow import configuration

FIT = {"seed": 7, "commit": "0123456789ab", "uncommitted_changes": False}
FITS = [FIT | {"versions": {"mxnet": "1.9.1"}}]
PAPER = """\
We use 30 tracks of 3 classes from the Ballroom data set (Gouyon et al., 2006), in 10-fold \
cross-validation over tracks: folds are stratified by class; tracks of the same recording share a \
fold. For each fold k, fold k is the test set, fold k + 1 is the validation set, and the others \
are the training set."""


@pytest.fixture(scope="module")
def shipped():
    config = shipped_config()
    configuration.complete(config, ROOT / "config.yaml")
    return config


@pytest.fixture(scope="module")
def tracks(tmp_path_factory):
    path = tmp_path_factory.mktemp("tracks") / "folds.csv"
    table = pd.DataFrame({"track_id": [f"t{i:02d}" for i in range(30)]})
    table = table.assign(label=["a", "b", "c"] * 10, digest=[f"{i:064x}" for i in range(30)])
    split.write(path, table, np.arange(30) // 3)
    return split.read(path)


def text_of(config, tracks):
    return " ".join(methods.paragraphs(config, FITS, tracks))


def changed(config, path, value):
    """A copy of the configuration with another value; the path is keys with dots between them."""
    copied = copy.deepcopy(config)
    *parents, last = path.split(".")
    part = copied
    for key in parents:
        part = part[key]
    part[last] = value
    return copied


def test_the_paper_s_configuration(shipped, tracks):
    first, inputs, training, evaluation = methods.paragraphs(shipped, FITS, tracks)
    assert first == PAPER
    assert "44.1 kHz with 40 bands" in inputs and "log(1 + 10000 x)" in inputs
    assert "segments of 80 frames (1.9 s) or 250 frames (5.8 s)" in inputs
    assert "all tracks, test tracks included" in inputs and "augmented" not in inputs
    assert "We train 12 convolutional networks" in training and "batches of 10" in training
    assert "starts at 0.01 and is halved after 40 epochs" in training
    assert "below 1e-05 or after 2000 epochs" in training and "otherwise" not in training
    assert "timefrequency_init (time from time_1x60, frequency from frequency_32x1)" in training
    assert "mxnet 1.9.1; seed 7; commit 0123456789." in training
    assert "66 comparisons" in evaluation


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("dataset", "demo", "a synthesised data set"),
        ("dataset", "folder", "our data set"),
        ("normalisation", "train", "the training tracks of each fold"),
        ("level", "normalised", "A gain per track"),
        ("replicas", "drop", "one track of each recording is used"),
        ("replicas", "keep", "may be in different folds"),
        ("group_by", "performer", "tracks of equal “performer” share a fold"),
        ("stratified", False, "folds are random"),
        ("validation", "segments", "random segments, 1 in 10, are the validation set"),
        ("sampling", "overlapping", "start every 20 frames (0.46 s)"),
        ("sampling", "onset", "start at the onsets"),
        ("augmentation.pitch_shift", 2, "a pitch shift of up to 2 semitones"),
        ("augmentation.time_stretch", 0.1, "a change of tempo by a factor of 1 ± 0.1 at most"),
        ("augmentation.mixing", 0.5, "mixing a proportion of 0.5 of the segments"),
        ("augmentation.gain", 6, "a gain of up to 6 dB"),
        ("training.learning_rate", 0.5, "starts at 0.5 "),
        ("training.batch_size", 33, "batches of 33 segments"),
        ("training.max_epochs", 33, "after 33 epochs"),
        ("training.dropout", 0.25, "a dropout of 0.25"),
        ("training.patience", 33, "halved after 33 epochs"),
        ("training.min_learning_rate", 0.001, "ends below 0.001"),
        ("training.class_weights", "balanced", "each class has the same share"),
        ("variants.time_1x60.input_frames", 100, "100 frames (2.3 s)"),
        ("variants.time_1x60.training", {"max_epochs": 9}, "time_1x60 with at most 9 epochs"),
        (
            "variants.time_1x60.training",
            {"class_weights": "balanced"},
            "time_1x60 with class weights balanced",
        ),
    ],
)
def test_each_setting_changes_the_text(shipped, tracks, path, value, said):
    assert said not in text_of(shipped, tracks)
    assert said in text_of(changed(shipped, path, value), tracks)


def test_a_setting_of_a_network_that_equals_the_shared_one_is_no_exception(shipped, tracks):
    same = changed(shipped, "variants.time_1x60.training", {"max_epochs": 2000})
    assert text_of(same, tracks) == text_of(shipped, tracks)


def test_networks_with_equal_exceptions_are_listed_together(shipped, tracks):
    config = changed(shipped, "variants.time_1x60.training", {"dropout": 0.1})
    config = changed(config, "variants.time_1x200.training", {"dropout": 0.1})
    assert "time_1x60, time_1x200 with dropout 0.1." in text_of(config, tracks)


def test_one_network_is_compared_with_nothing(shipped, tracks):
    one = {"time_1x60": shipped["variants"]["time_1x60"]}
    text = text_of(shipped | {"variants": one}, tracks)
    assert "We train 1 convolutional network (" in text
    assert "t-test" not in text and "Holm" not in text
    two = one | {"time_1x200": shipped["variants"]["time_1x200"]}
    text = text_of(shipped | {"variants": two}, tracks)
    assert "t-test" in text and "Holm" not in text


def test_several_seeds(shipped, tracks):
    text = " ".join(methods.paragraphs(shipped, [*FITS, FITS[0] | {"seed": 8}], tracks))
    assert "over 10 folds of 2 seeds." in text and "repeated cross-validation" in text
    assert "seed 7 and 8;" in text
    assert "repeated" not in text_of(shipped, tracks)


def test_a_fixed_split(shipped, tracks):
    fixed = dataclasses.replace(tracks, fold=np.repeat([0, 1, 2], [6, 9, 15]), is_fixed=True)
    config = changed(changed(shipped, "split_by", "part"), "normalisation", "train")
    first, inputs, _, evaluation = methods.paragraphs(config, FITS, fixed)
    assert first == (
        "We use 30 tracks of 3 classes from the Ballroom data set (Gouyon et al., 2006), in a "
        "fixed split of 15 training, 9 validation and 6 test tracks; tracks of the same recording "
        "may be in different parts."
    )
    assert "standard deviation of the training tracks. Networks" in inputs
    assert "the interval of Wilson (1927)" in evaluation and "sign test" in evaluation
    assert "fold" not in first + evaluation
