"""The output of a training: a progress bar on a terminal, one line per epoch in a log."""

import io
import sys

import pytest

from workflow_scripts.networks.display import Display
from workflow_scripts.networks.training import Epoch

EPOCHS = [Epoch(n, 0.01, 2 / n, n / 9, 1.5, n / 10, 0.25) for n in (1, 2, 3)]


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def shown(monkeypatch):
    """Show epochs 2 and 3 of 10 on a stream in place of standard error; return its text."""

    def show(stream):
        monkeypatch.setattr(sys, "stderr", stream)
        with Display("time_1x60, fold 3", 10, n_done=1) as display:
            for epoch in EPOCHS[1:]:
                display.show(epoch)
        return stream.getvalue()

    return show


def test_a_log_has_one_line_per_epoch(shown):
    assert shown(io.StringIO()).splitlines() == [
        f"epoch {n}: train loss {2 / n:.4f}, validation loss 1.5000, validation accuracy "
        f"{n / 10:.4f}, learning rate 0.01, 0.25 s"
        for n in (2, 3)
    ]


def test_a_terminal_has_one_progress_bar(shown):
    text = shown(Terminal())
    last = text.rstrip("\n").split("\r")[-1]
    assert last.startswith("time_1x60, fold 3:  30%")
    assert "3/10 [" in last and "<" in last, "epochs done and time left"
    for figure in ("train loss 0.6667", "validation accuracy 0.3000", "learning rate 0.01"):
        assert figure in last
    assert text.count("\n") == 1
