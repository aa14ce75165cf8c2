"""A checkpoint comes back bit for bit, or not at all."""

import errno
import os

import numpy as np
import pytest

from workflow_scripts.networks import checkpoint
from workflow_scripts.networks.training import Epoch, Progress


def progress(n_epochs=3):
    rng = np.random.default_rng(0)
    last, best = (
        {name: rng.standard_normal((4, 5)).astype(np.float32) for name in ("a.weight", "a.bias")}
        for _ in range(2)
    )
    losses = rng.random(n_epochs)
    history = tuple(Epoch(i + 1, 0.1, x / 3, x / 7, x, x / 11) for i, x in enumerate(losses))
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
    checkpoint.write(path, "key", progress())
    return path


def test_it_comes_back_bit_for_bit(written):
    assert same(checkpoint.read(written, "key"), progress())
    assert [path.name for path in written.parent.iterdir()] == ["checkpoint"]


def test_the_next_one_replaces_it(written):
    checkpoint.write(written, "key", progress(7))
    assert len(checkpoint.read(written, "key").history) == 7


def test_another_key_is_another_training(written):
    assert checkpoint.read(written, "other") is None


def test_none_is_none(tmp_path):
    assert checkpoint.read(tmp_path / "checkpoint", "key") is None
    assert checkpoint.read(tmp_path, "key") is None, "a folder of that name"
    os.mkfifo(tmp_path / "pipe")
    assert checkpoint.read(tmp_path / "pipe", "key") is None, "nothing is waited for"


def test_whatever_is_torn_off_or_changed_is_noticed(written):
    whole = written.read_bytes()
    rng = np.random.default_rng(0)
    for size in [0, 1, 31, 32, 33, len(whole) - 1, *rng.integers(len(whole), size=200)]:
        written.write_bytes(whole[:size])
        assert checkpoint.read(written, "key") is None
    for place in rng.integers(len(whole), size=200):
        changed = bytearray(whole)
        changed[place] ^= 1 << rng.integers(8)
        written.write_bytes(changed)
        assert checkpoint.read(written, "key") is None
    written.write_bytes(whole + b"more")
    assert checkpoint.read(written, "key") is None


def test_a_full_disk_keeps_the_last_one(written, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as failure:
        checkpoint.write(written, "key", progress(7))
    assert failure.value.filename == str(written)
    assert same(checkpoint.read(written, "key"), progress())
    assert [path.name for path in written.parent.iterdir()] == ["checkpoint"]
