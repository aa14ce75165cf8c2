"""A checkpoint is restored bit for bit or ignored."""

import errno
import os
from dataclasses import fields, make_dataclass

import numpy as np
import pytest

from workflow_scripts.errors import UserError
from workflow_scripts.networks import checkpoint
from workflow_scripts.networks.checkpoint import Checkpoint
from workflow_scripts.networks.training import Epoch, Progress


def progress(n_epochs=3):
    rng = np.random.default_rng(0)
    last, best = (
        {name: rng.standard_normal((4, 5)).astype(np.float32) for name in ("a.weight", "a.bias")}
        for _ in range(2)
    )
    losses = rng.random(n_epochs)
    history = tuple(Epoch(i + 1, 0.1, x / 3, x / 5, x / 7, x, x / 11) for i, x in enumerate(losses))
    return Progress(last, best, history)


def same(one, other):
    weights = [(one.weights, other.weights), (one.best_weights, other.best_weights)]
    return one.history == other.history and all(
        a.keys() == b.keys()
        and all(np.array_equal(a[k], b[k]) and a[k].dtype == b[k].dtype for k in a)
        for a, b in weights
    )


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "model" / "checkpoint"
    Checkpoint(path, "course").write(progress())
    return path


def test_a_checkpoint_is_restored_bit_for_bit(written):
    assert same(Checkpoint(written, "course").read(), progress())
    assert [path.name for path in written.parent.iterdir()] == ["checkpoint"]


def test_the_next_checkpoint_replaces_it(written):
    Checkpoint(written, "course").write(progress(7))
    assert len(Checkpoint(written, "course").read().history) == 7


def test_a_checkpoint_of_another_course_is_ignored(written):
    assert Checkpoint(written, "other").read() is None


def test_a_checkpoint_of_a_version_with_other_columns_is_ignored(tmp_path, capsys):
    """The code is part of the course."""
    older = make_dataclass("Older", [f.name for f in fields(Epoch) if f.name != "train_accuracy"])
    new = progress()
    old = Progress(new.weights, new.best_weights, (older(1, 0.1, 2.0, 2.0, 0.5, 1.0),))
    path = tmp_path / "checkpoint"
    Checkpoint(path, "course of the older code").write(old)
    assert Checkpoint(path, "course").resume(new.weights, 3).history == ()
    assert capsys.readouterr().err == ""


def test_a_path_that_is_not_a_file_is_ignored(tmp_path):
    assert Checkpoint(tmp_path / "checkpoint", "course").read() is None
    assert Checkpoint(tmp_path, "course").read() is None, "a folder"
    os.mkfifo(tmp_path / "pipe")
    assert Checkpoint(tmp_path / "pipe", "course").read() is None, "opening it would block"


def test_a_truncated_or_changed_checkpoint_is_ignored(written):
    complete = written.read_bytes()
    rng = np.random.default_rng(0)
    for size in [0, 1, 31, 32, 33, len(complete) - 1, *rng.integers(len(complete), size=200)]:
        written.write_bytes(complete[:size])
        assert Checkpoint(written, "course").read() is None
    for position in rng.integers(len(complete), size=200):
        changed = bytearray(complete)
        changed[position] ^= 1 << rng.integers(8)
        written.write_bytes(changed)
        assert Checkpoint(written, "course").read() is None
    written.write_bytes(complete + b"more")
    assert Checkpoint(written, "course").read() is None


def test_a_damaged_checkpoint_is_named_and_training_starts_again(written, capsys):
    start = progress(0).weights
    written.write_bytes(written.read_bytes()[:-1])
    assert Checkpoint(written, "course").resume(start, 3).history == ()
    assert capsys.readouterr().err == (
        f"note: {written} is damaged: its checksum differs; training starts from the beginning\n"
    )
    Checkpoint(written, "course").write(progress())
    assert Checkpoint(written, "other").resume(start, 3).history == ()
    assert capsys.readouterr().err == "", "an intact checkpoint of other settings"


def test_a_folder_or_a_pipe_in_place_of_a_checkpoint_is_refused_before_training(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(UserError, match=f"^{path} is not a file; move it away and run again"):
            Checkpoint(path, "course").resume(progress(0).weights, 3)


def test_a_full_disk_keeps_the_last_checkpoint(written, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as failure:
        Checkpoint(written, "course").write(progress(7))
    assert failure.value.filename == str(written)
    assert same(Checkpoint(written, "course").read(), progress())
    assert [path.name for path in written.parent.iterdir()] == ["checkpoint"]


def test_a_checkpoint_with_too_many_epochs_is_not_resumed(written):
    start = progress(0).weights
    assert same(Checkpoint(written, "course").resume(start, 3), progress())
    for resumed in (
        Checkpoint(written, "course").resume(start, 2),
        Checkpoint(written, "other").resume(start, 3),
    ):
        assert resumed.history == () and resumed.weights is start


def test_a_checkpoint_is_written_when_it_is_due(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    due = Checkpoint(tmp_path / "checkpoint", "course", seconds=30)
    now[0] = 29
    due.write_if_due(progress(1))
    assert due.read() is None
    now[0] = 30
    due.write_if_due(progress(2))
    now[0] = 59
    due.write_if_due(progress(3))
    assert len(due.read().history) == 2
