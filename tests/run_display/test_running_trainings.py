"""How a training has ended, from its fit.json."""

from pathlib import Path

import pytest

from workflow_scripts.paths import ModelPaths
from workflow_scripts.run_display.running_trainings import Result, Training


@pytest.fixture
def training(tmp_path):
    paths = ModelPaths(tmp_path, "time_1x60", 0)
    Path(paths.fit).parent.mkdir(parents=True)
    return Training("time_1x60", 0, None, paths)


def test_an_ended_training_has_epochs_and_their_seconds(training):
    training.paths.fit.write_text('{"n_epochs": 20, "seconds": 50}')
    assert training.result() == Result(20, 2.5)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"n_epochs": 20}',
        '{"n_epochs": null, "seconds": 1}',
        '{"n_epochs": Infinity, "seconds": 1}',
        '{"n_epochs": 1e400, "seconds": 1}',
        '{"n_epochs": 20, "seconds": NaN}',
        '{"n_epochs": 20, "seconds": 1e999}',
    ],
)
def test_a_damaged_file_is_no_end(training, content):
    assert training.result() is None
    training.paths.fit.write_text(content)
    assert training.result() is None
