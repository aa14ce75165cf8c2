"""The step train: segments in memory or on disk, sampling, augmentation, validation."""

import json
import shutil
import signal
import time

import numpy as np
import pytest

from tests.runs import run_module
from tests.training_data import Training

pytestmark = pytest.mark.workflow
# tests/networks/test_engine.py compares the engines in one process.
ENGINES = ["mxnet", pytest.param("torch", marks=pytest.mark.endurance)]


@pytest.fixture
def small(tmp_path):
    """18 tracks of 1000 frames: six each for training, validation and test."""
    return Training(tmp_path, "time_1x60", max_epochs=2)


def record(training, model):
    return json.loads((training.folder / model / "fit.json").read_text())


@pytest.mark.parametrize("engine", ENGINES)
def test_segments_in_memory_and_on_disk_give_identical_models(small, engine):
    if engine == "torch":
        pytest.importorskip("torch")
    assert small.run("held", "--engine", engine) == 0
    # Less than the step itself takes, so no segments are held.
    assert small.run("read", "--engine", engine, "--memory-mb", 1) == 0
    assert small.results("read") == small.results("held")
    assert small.predictions("read", engine) == small.predictions("held", engine)


AUGMENTATION = json.dumps({"pitch_shift": 1, "time_stretch": 0.1, "mixing": 0.5})


@pytest.mark.parametrize("engine", ENGINES)
def test_augmentation_depends_only_on_the_seed(small, engine):
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


def test_validation_segments_come_from_all_tracks_outside_the_test_fold(small):
    assert small.run("model", "--validation", "segments") == 0
    fit = record(small, "model")
    # Half of 12 tracks of 12 segments, as with three folds of tracks.
    assert (fit["n_train_segments"], fit["n_validation_segments"]) == (72, 72)


def test_fit_json_records_sampling_and_augmentation(small):
    """Both are part of a training's identity."""
    assert small.run("model") == 0
    plain = record(small, "model")
    assert plain["sampling"] == "contiguous" and plain["augmentation"] == {}
    assert plain["level"] == "as_recorded"
    assert small.run("other", "--augmentation", AUGMENTATION) == 0
    other = record(small, "other")
    assert other["augmentation"] == json.loads(AUGMENTATION)
    assert other["digests"]["segments"] == plain["digests"]["segments"]
    assert small.run("third", "--sampling", "overlapping") == 0
    assert record(small, "third")["digests"]["segments"][0] != plain["digests"]["segments"][0]
    assert np.equal(*(r["digests"]["segments"][1] for r in (plain, record(small, "third"))))


@pytest.mark.parametrize("engine", ENGINES)
def test_balanced_class_weights_are_part_of_a_training(small, engine):
    if engine == "torch":
        pytest.importorskip("torch")
    small.tracks["label"] = small.tracks["label"].replace("up", "flat")
    small.write_tables()
    assert small.run("plain", "--engine", engine) == 0
    small.settings = small.settings | {"class_weights": "balanced"}
    assert small.run("once", "--engine", engine) == 0
    # Another training's checkpoint is not continued: the start is that of `once`.
    shutil.copytree(small.folder / "plain", small.folder / "again")
    assert small.run("again", "--engine", engine) == 0
    assert small.results("again") == small.results("once") != small.results("plain")
    assert record(small, "once")["training"]["class_weights"] == "balanced"
    assert "class_weights" not in record(small, "plain")["training"]


FOLDS = (0, 1, 2)


def models(training, name):
    """The results of the models of all folds."""
    return [training.results(f"{name}-{fold}" if fold else name) for fold in FOLDS]


@pytest.fixture(scope="module")
def separate(tmp_path_factory):
    """A training whose three folds are trained by three jobs."""
    training = Training(tmp_path_factory.mktemp("folds"), "time_1x60", max_epochs=3)
    for fold in FOLDS:
        assert training.run("separate", folds=(fold,)) == 0, training.log("separate")
    return training


def test_one_job_for_all_folds_gives_the_models_of_one_job_each(separate):
    assert separate.run("all", folds=FOLDS) == 0, separate.log("all")
    assert models(separate, "all") == models(separate, "separate")
    log = separate.log("all").splitlines()
    assert [line for line in log if line.startswith("fold")] == ["fold 0:", "fold 1:", "fold 2:"]


def test_a_job_of_all_folds_continues_where_it_was_stopped(separate):
    process = separate.start("stopped", "--checkpoint-seconds", 0, folds=FOLDS)
    deadline = time.monotonic() + 120
    while "fold 1:" not in separate.log("stopped"):
        assert time.monotonic() < deadline, separate.log("stopped")
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 1
    assert separate.log("stopped").endswith("interrupted; run again to continue\n")
    assert (separate.folder / "stopped/fit.json").exists(), "the first fold had ended"
    assert not (separate.folder / "stopped-2").exists()
    assert separate.run("stopped", folds=FOLDS) == 0
    assert models(separate, "stopped") == models(separate, "separate")


@pytest.mark.parametrize("option", ["checkpoint", "weights", "history", "fit"])
def test_each_fold_needs_its_own_files(small, option):
    arguments = small.arguments("model", folds=FOLDS)
    del arguments[arguments.index(f"--{option}") + 1]
    code, output = run_module("steps.train", *arguments)
    assert code == 2 and f"--{option} needs a file for each fold" in output
