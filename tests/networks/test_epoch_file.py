"""The table of a running training: each epoch once, and whatever a reader finds is a whole line."""

import math

import pytest

from workflow_scripts.networks import epoch_file
from workflow_scripts.networks.epoch_file import EpochFile, read
from workflow_scripts.networks.training import Epoch

EPOCHS = [Epoch(n, 0.1 / n, 1 / 3, 0.5, 2 / 3, 0.25, 0.001 * n) for n in range(1, 6)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model" / epoch_file.NAME


def test_epochs_are_appended_once(path):
    file = EpochFile(path, seconds=0)
    file.start(EPOCHS[:2])
    assert read(path) == EPOCHS[:2]
    file.add(EPOCHS[:3])
    file.add(EPOCHS)
    file.add(EPOCHS, at_once=True)
    assert read(path) == EPOCHS


def test_columns_are_those_of_history_and_the_seconds(path):
    EpochFile(path).start([])
    assert path.read_text() == (
        "epoch,learning_rate,train_loss,train_accuracy,validation_loss,validation_accuracy,seconds\n"
    )
    assert read(path) == []


def test_short_epochs_are_written_together(path):
    file = EpochFile(path, seconds=1000)
    file.start([])
    file.add(EPOCHS[:4])
    assert read(path) == []
    file.add(EPOCHS, at_once=True)
    assert read(path) == EPOCHS


def test_a_start_replaces_what_another_training_left(path):
    EpochFile(path).start(EPOCHS)
    EpochFile(path).start(EPOCHS[:1])
    assert read(path) == EPOCHS[:1]
    EpochFile(path).add(EPOCHS, at_once=True)
    assert read(path) == EPOCHS[:1], "not started"


@pytest.mark.parametrize("end", ["6", "6,0.1,0.3", "6,0.1,0.3,0.5,0.6,0.25,0.0"])
def test_an_incomplete_line_is_ignored(path, end):
    EpochFile(path).start(EPOCHS)
    with path.open("a") as file:
        file.write(end)
    assert read(path) == EPOCHS


@pytest.mark.parametrize(
    "row", ["\0\0,1,1,1,1,1,1", "six,1,1,1,1,1,1", "6,1,1,1,1,1,nan", "6,1,1,1,1,1,inf", "6"]
)
def test_a_damaged_line_is_ignored(path, row):
    EpochFile(path).start(EPOCHS[:2])
    with path.open("a") as file:
        file.write(f"{row}\n")
    EpochFile(path).start(EPOCHS[:2])
    file = path.read_text()
    path.write_text(file.replace("\n", f"\n{row}\n"))
    assert read(path) == EPOCHS[:2]


def test_an_exploded_loss_is_a_number(path):
    EpochFile(path).start([Epoch(1, 0.1, math.inf, 0.5, math.nan, 0.25, 1.0)])
    (epoch,) = read(path)
    assert epoch.train_loss == math.inf and math.isnan(epoch.validation_loss)


def test_what_is_not_such_a_table_has_no_epochs(path):
    assert read(path) == []
    path.parent.mkdir()
    for content in (b"", b"\n", b"epoch,loss\n1,2\n", b"\xff\n"):
        path.write_bytes(content)
        assert read(path) == []
