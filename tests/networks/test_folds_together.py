"""Folds of a job side by side: the same files as one after another, continued and stopped alike."""

import json

import numpy as np
import pytest

from tests.conftest import relative_error
from tests.training_data import Training
from workflow_scripts.errors import UserError
from workflow_scripts.networks import folds_together, side_by_side, training_run
from workflow_scripts.steps import train

pytest.importorskip("torch", reason="make env TORCH=1 installs PyTorch")

from workflow_scripts.networks.torch_side_by_side import TorchSideBySide

pytestmark = pytest.mark.workflow
FOLDS = (0, 1, 2)


@pytest.fixture
def step(monkeypatch):
    """Run the step in this process, folds side by side on the CPU or one after another."""

    def run(training, model, together, *options, folds=FOLDS):
        monkeypatch.setattr(side_by_side, "gains", lambda engine, gpu: together)
        arguments = training.arguments(model, "--engine", "torch", *options, folds=folds)
        monkeypatch.setattr("sys.argv", ["train", *map(str, arguments)])
        train.main()

    return run


@pytest.fixture
def training(tmp_path):
    """18 tracks, six of a class, in three folds."""
    return Training(tmp_path, "time_1x60", max_epochs=3)


def folder(training, model, fold):
    return training.folder / (f"{model}-{fold}" if fold else model)


def weights_of(training, model, fold):
    with np.load(folder(training, model, fold) / "weights.npz") as file:
        return {name: file[name] for name in file.files if file[name].dtype == np.float32}


def test_the_models_agree_and_each_fold_has_its_own_files(training, step, capfd):
    step(training, "alone", False)
    step(training, "together", True)
    log = capfd.readouterr().err
    assert all(f"\nfold {k}, epoch {n}: train loss" in log for k in FOLDS for n in (1, 2, 3))
    for fold in FOLDS:
        alone, together = (weights_of(training, name, fold) for name in ("alone", "together"))
        for name, weight in alone.items():
            # After three epochs of 14 steps.
            assert relative_error(together[name], weight) < 1e-4
        fits = [
            json.loads((folder(training, name, fold) / "fit.json").read_text())
            for name in ("alone", "together")
        ]
        for fit in fits:
            assert fit["fold"] == fold and fit["n_epochs"] == 3
        assert fits[0]["digests"]["segments"] == fits[1]["digests"]["segments"]
        assert (folder(training, "together", fold) / "checkpoint").is_file()


def test_finished_folds_are_not_trained_again(training, step, monkeypatch):
    step(training, "model", True)
    before = [training.results(folder(training, "model", fold).name) for fold in FOLDS]
    monkeypatch.setattr(training_run.FoldRun, "take", lambda run, outcome: pytest.fail("an epoch"))
    step(training, "model", True)
    assert [training.results(folder(training, "model", fold).name) for fold in FOLDS] == before


def test_a_stopped_job_saves_all_folds_and_continues(training, step, monkeypatch):
    step(training, "whole", True)
    take = training_run.FoldRun.take

    def stop(run, outcome):
        take(run, outcome)
        if len(run.progress.history) == 2 and "fold 2" in run.display.title:
            raise KeyboardInterrupt

    monkeypatch.setattr(training_run.FoldRun, "take", stop)
    monkeypatch.setattr(training_run, "ignore_signals", lambda: None)
    with pytest.raises(KeyboardInterrupt):
        step(training, "stopped", True)
    assert not (training.folder / "stopped" / "fit.json").exists()
    monkeypatch.setattr(training_run.FoldRun, "take", take)
    # Fold 1 alone, which puts it an epoch ahead of the others.
    step(training, "stopped", True, folds=(1,))
    step(training, "stopped", True)
    for fold in FOLDS:
        whole, stopped = (weights_of(training, name, fold) for name in ("whole", "stopped"))
        for name, weight in whole.items():
            assert relative_error(stopped[name], weight) < 1e-4


def test_a_diverging_fold_stops_the_job_and(training, step, monkeypatch):
    monkeypatch.setattr(training_run, "ignore_signals", lambda: None)
    training.settings |= {"learning_rate": 1e6, "max_epochs": 60}
    sentence = r"training time_1x60, fold \d diverged: the .* loss of epoch \d+ is nan; lower "
    with pytest.raises(UserError, match=sentence):
        step(training, "model", True)
    assert not (training.folder / "model" / "fit.json").exists()


def test_without_memory_for_all_the_folds_are_trained_one_after_another(training, step, capfd):
    step(training, "model", True, "--memory-mb", 601)
    assert "note: the segments of 3 folds do not fit in 601 MB" in capfd.readouterr().err
    assert all((folder(training, "model", fold) / "fit.json").exists() for fold in FOLDS)


def fail_in_epoch(number, monkeypatch):
    """Let PyTorch fail in an epoch of folds side by side."""
    steps = TorchSideBySide.train
    calls = []

    def train(self, *arguments):
        calls.append(arguments)
        if len(calls) == number:
            raise RuntimeError("CUDA out of memory.\nTried to allocate 2 GiB")
        return steps(self, *arguments)

    monkeypatch.setattr(TorchSideBySide, "train", train)


def test_a_device_that_cannot_start_trains_one_after_another(training, step, monkeypatch, capfd):
    fail_in_epoch(1, monkeypatch)
    step(training, "model", True)
    assert "side by side on this device (CUDA out of memory.), so" in capfd.readouterr().err
    assert all((folder(training, "model", fold) / "fit.json").exists() for fold in FOLDS)


def test_a_later_failure_is_raised(training, step, monkeypatch):
    fail_in_epoch(2, monkeypatch)
    with pytest.raises(RuntimeError, match="out of memory"):
        step(training, "model", True)


def test_augmented_segments_are_not_trained_side_by_side(training, step, monkeypatch):
    monkeypatch.setattr(folds_together, "fit", lambda trainings: pytest.fail("side by side"))
    step(training, "model", True, "--augmentation", json.dumps({"gain": 3}))
    assert all((folder(training, "model", fold) / "fit.json").exists() for fold in FOLDS)
