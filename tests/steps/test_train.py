"""The step that trains: where its segments lie, how they are sampled, augmented and validated."""

import json

import numpy as np
import pytest

from tests.training_data import Training

pytestmark = pytest.mark.slow


@pytest.fixture
def small(tmp_path):
    """18 tracks of 1000 frames, six of which train, six validate and six test."""
    return Training(tmp_path, "time_1x60", max_epochs=2)


def record(training, model):
    return json.loads((training.folder / model / "fit.json").read_text())


@pytest.mark.parametrize("engine", ["mxnet", "torch"])
def test_segments_that_do_not_fit_are_read_on_demand_to_the_same_bits(small, engine):
    if engine == "torch":
        pytest.importorskip("torch")
    assert small.run("held", "--engine", engine) == 0
    # Less than the step takes by itself: nothing is left for segments.
    assert small.run("read", "--engine", engine, "--memory-mb", 1) == 0
    assert small.results("read") == small.results("held")
    assert small.predictions("read", engine) == small.predictions("held", engine)


AUGMENTATION = json.dumps({"pitch_shift": 1, "time_stretch": 0.1, "mixing": 0.5})


@pytest.mark.parametrize("engine", ["mxnet", "torch"])
def test_augmentation_follows_from_the_seed(small, engine):
    if engine == "torch":
        pytest.importorskip("torch")
    plain, once, again = (
        (small.run(model, "--engine", engine, *options), small.results(model))
        for model, options in {
            "plain": (),
            "once": ("--augmentation", AUGMENTATION),
            "again": ("--augmentation", AUGMENTATION),
        }.items()
    )
    assert plain[0] == once[0] == again[0] == 0
    assert once == again != plain
    assert record(small, "once")["n_train_segments"] == record(small, "plain")["n_train_segments"]


def test_overlapping_segments_train_and_contiguous_ones_validate(small):
    assert small.run("model", "--sampling", "overlapping", "--hop", 23) == 0
    fit = record(small, "model")
    assert fit["n_train_segments"] == 6 * ((1000 - 80) // 23 + 1)
    assert fit["n_validation_segments"] == 6 * (1000 // 80)


def test_validation_by_segment_takes_its_share_of_all_that_is_not_tested(small):
    assert small.run("model", "--validation", "segments") == 0
    fit = record(small, "model")
    # Of 12 tracks of 12 segments one in two, as with three folds of tracks.
    assert (fit["n_train_segments"], fit["n_validation_segments"]) == (72, 72)


def test_what_a_checkpoint_was_made_with_is_what_it_goes_on_with(small):
    """Another sampling or augmentation is another training."""
    assert small.run("model") == 0
    keys = record(small, "model")
    assert keys["sampling"] == "contiguous" and keys["augmentation"] == {}
    assert small.run("other", "--augmentation", AUGMENTATION) == 0
    other = record(small, "other")
    assert other["augmentation"] == json.loads(AUGMENTATION)
    assert other["digests"]["segments"] == keys["digests"]["segments"]
    assert small.run("third", "--sampling", "overlapping") == 0
    assert record(small, "third")["digests"]["segments"][0] != keys["digests"]["segments"][0]
    assert np.equal(*(r["digests"]["segments"][1] for r in (keys, record(small, "third"))))
