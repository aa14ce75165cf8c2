"""An interrupted and continued training gives the same bits as an uninterrupted one."""

import os
import random
import re
import resource
import shutil
import signal
import time

import pytest

from tests.runs import Run
from tests.training_data import Training
from workflow_scripts.networks import epoch_file

ENGINES = ["mxnet", "torch"]
EVERY_EPOCH = ("--checkpoint-seconds", 0)
MODEL = {"weights.npz", "history.csv", "fit.json", "checkpoint"}


def files(model):
    """The names of the files in a model's folder, except its lock and the epochs to watch."""
    return {path.name for path in model.iterdir()} - {".lock", epoch_file.NAME}


def engine_option(engine):
    """The option of an engine; skip the test if the engine is not installed."""
    if engine == "torch":
        pytest.importorskip("torch", reason="make env TORCH=1 installs PyTorch")
    return ("--engine", engine)


def wait_for_epoch(training, model, number):
    deadline = time.monotonic() + 120
    while f"epoch {number}:" not in training.log(model):
        assert time.monotonic() < deadline, training.log(model)
        time.sleep(0.01)


@pytest.mark.timing
@pytest.mark.endurance
@pytest.mark.parametrize("engine", ENGINES)
# The checkpoint of the black-box has 26 MB, so many kills interrupt its writing.
@pytest.mark.parametrize("variant", ["timefrequency", "blackbox_12x8"])
def test_kills_at_random_times_change_no_bit(tmp_path, engine, variant, kills):
    options = (*engine_option(engine), *EVERY_EPOCH)
    epochs = {"timefrequency": 100, "blackbox_12x8": 12}[variant]
    training = Training(tmp_path, variant, max_epochs=epochs)
    started = time.monotonic()
    assert training.run("undisturbed", *options) == 0, training.log("undisturbed")
    duration = time.monotonic() - started
    expected = training.results("undisturbed")
    rng = random.Random(f"{engine} {variant}")
    killed = 0
    while killed < kills:
        process = training.start("killed", *options)
        time.sleep(rng.uniform(0, duration))
        process.kill()
        killed += process.wait() == -signal.SIGKILL
        if (tmp_path / "killed" / "fit.json").exists():
            assert training.results("killed") == expected
            shutil.rmtree(tmp_path / "killed")
    assert training.run("killed", *options) == 0, training.log("killed")
    assert training.results("killed") == expected
    predictions = training.predictions("undisturbed", engine)
    assert training.predictions("killed", engine) == predictions
    assert files(tmp_path / "killed") == MODEL, "no temporary files"
    assert not (tmp_path / "killed" / epoch_file.NAME).exists()
    print(f"{killed} kills, {training.log('killed').count('continuing after')} restarts continued")


@pytest.mark.timing
@pytest.mark.workflow
@pytest.mark.parametrize(
    ("engine", "number"),
    [
        ("mxnet", signal.SIGTERM),
        pytest.param("mxnet", signal.SIGINT, marks=pytest.mark.endurance),
        pytest.param("torch", signal.SIGTERM, marks=pytest.mark.endurance),
    ],
)
def test_a_signal_saves_a_checkpoint_within_two_seconds(tmp_path, engine, number):
    # An epoch takes a second or two, so no checkpoint is due before the signal.
    options = engine_option(engine)
    training = Training(tmp_path, "blackbox_12x8", tracks_a_class=40, max_epochs=3)
    assert training.run("undisturbed", *options) == 0, training.log("undisturbed")
    process = training.start("stopped", *options)
    wait_for_epoch(training, "stopped", 1)
    time.sleep(0.3)
    process.send_signal(number)
    sent = time.monotonic()
    assert process.wait() == 1
    assert time.monotonic() - sent < 2
    assert training.log("stopped").splitlines()[-1] == "interrupted; run again to continue"
    assert files(tmp_path / "stopped") == {"checkpoint"}
    assert training.run("stopped", *options) == 0
    assert "continuing after epoch 1\nepoch 2:" in training.log("stopped")
    assert training.results("stopped") == training.results("undisturbed")


@pytest.mark.timing
@pytest.mark.workflow
@pytest.mark.parametrize(
    "change",
    [
        *("nothing", "settings", "engine"),
        # tests/networks/test_identity.py and test_checkpoint.py have these without a process.
        *(
            pytest.param(change, marks=pytest.mark.endurance)
            for change in ("epochs", "truncation", "segments", "start")
        ),
    ],
)
def test_only_the_training_that_wrote_a_checkpoint_continues_from_it(tmp_path, change):
    training = Training(tmp_path, "frequency_32x1", max_epochs=400)
    process = training.start("model", *EVERY_EPOCH)
    wait_for_epoch(training, "model", 3)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 1
    checkpoint, options = tmp_path / "model" / "checkpoint", ()
    match change:
        case "epochs":
            training.settings["max_epochs"] = 500
        case "truncation":
            checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
        case "settings":
            training.settings["dropout"] = 0.4
        case "segments":
            training.write_tables(std=0.8)
        case "start":
            options = ("--seed", 8)
        case "engine":
            options = engine_option("torch")
    (tmp_path / "model.log").unlink()
    process = training.start("model", *options)
    wait_for_epoch(training, "model", 4)
    process.kill()
    process.wait()
    continues = change in ("nothing", "epochs")
    assert ("continuing after epoch" in training.log("model")) == continues
    assert ("epoch 1:" in training.log("model")) != continues


def limit_file_size():
    # As with a full disk or a quota, a write fails halfway.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))


@pytest.mark.workflow
def test_a_full_disk_is_reported_and_no_partial_file_remains(tmp_path):
    training = Training(tmp_path, "blackbox_12x8", max_epochs=1)
    assert training.run("model", *EVERY_EPOCH, before=limit_file_size) == 1
    *_, last = training.log("model").splitlines()
    assert last == (
        f"error: cannot use {tmp_path}/model/checkpoint: File too large; "
        "free space, move the file that is in the way or change its permissions, then run again"
    )
    assert "Traceback" not in training.log("model")
    assert files(tmp_path / "model") == set()


@pytest.mark.workflow
def test_a_loss_that_is_not_finite_is_reported_in_one_sentence(tmp_path):
    training = Training(tmp_path, "timefrequency", max_epochs=50, learning_rate=1e6)
    assert training.run("model", *EVERY_EPOCH) == 1
    *_, last = training.log("model").splitlines()
    assert re.fullmatch(
        r"error: training timefrequency, fold 0 diverged: the training loss of epoch \d+ is "
        r"(nan|inf); lower training.learning_rate",
        last,
    )
    assert not (tmp_path / "model" / "weights.npz").exists()


@pytest.mark.workflow
def test_a_validation_set_without_a_class_is_noted(tmp_path):
    training = Training(tmp_path, "frequency_32x1", max_epochs=1)
    tracks = training.tracks
    tracks.loc[(tracks["label"] == "up") & (tracks["fold"] == 1), "fold"] = 2
    training.write_tables()
    assert training.run("model") == 0
    first = training.log("model").splitlines()[0]
    assert first.startswith("note: the validation set of fold 0 has no track of up, so these")


@pytest.mark.timing
@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.endurance)]
)
def test_a_stopped_run_continues_from_its_checkpoint(again, number):
    """All processes receive the signal, as after Ctrl-C or at the time limit of a cluster."""
    model = again.results / "models/timefrequency/fold-0"
    log = again.results / "logs/train/timefrequency/fold-0.log"
    arguments = again.one_long_training("timefrequency")

    def stop_after(pattern):
        run = Run(again, *arguments)
        run.wait_for(log, pattern)
        os.killpg(run.process.pid, number)
        assert run.process.wait(60) != 0

    stop_after("epoch 3:")
    assert "interrupted; run again to continue" in log.read_text()
    assert files(model) == {"checkpoint"}
    stop_after(r"continuing after epoch \d+\nepoch")
