"""The list of shared features, and which of them are removed."""

import json
from dataclasses import asdict

import pytest

from tests.conftest import overlay, shipped_config
from tests.runs import DATA, planned, run_module
from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.commands import clean_features
from workflow_scripts.errors import UserError
from workflow_scripts.paths import ResultPaths
from workflow_scripts.workflow import configuration, ownership
from workflow_scripts.workflow.feature_lock import FeatureLock
from workflow_scripts.workflow.run_lock import RunLock
from workflow_scripts.workflow.shared_features import describe, shared_features


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Make the shared features of an experiment, and its results if it has a name."""
    monkeypatch.chdir(tmp_path)

    def make(name=None, **changes):
        config = overlay(shipped_config(), {"dataset": "demo", "shards": 2, **changes})
        configuration.complete(config)
        shared = shared_features(config)
        for path in (*shared.contents, *shared.features, *shared.tempi):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(500_000))
        describe(shared, config["audio_dir"], FrontEnd.from_config(config["front_end"]))
        ownership.mark(shared)
        if name:
            (tmp_path / "results" / name).mkdir(parents=True)
            configuration.keep(config, ResultPaths(tmp_path / "results" / name))
        return shared

    return make


def test_each_front_end_is_listed_with_its_users(made, capsys):
    first = made("a", folds=5)
    made("b", seed=7)
    second = made(front_end={"sample_rate": 16000, "n_bands": 96, "compression": None})
    clean_features.main([])
    lines = capsys.readouterr().out.splitlines()
    (used,) = [n for n, line in enumerate(lines) if line.startswith(f"{first.front_end}: ")]
    assert lines[used].endswith(": 1.0 MB, used by results/a, results/b")
    assert lines[used + 1] == (
        "    audio demo; 44100 Hz, blackmanharris62 frames of 2048 samples, hop 1024, 40 bands "
        "from 0 to 22050 Hz, log(1 + 10000 x)"
    )
    (unused,) = [n for n, line in enumerate(lines) if line.startswith(f"{second.front_end}: ")]
    assert lines[unused].endswith("MB, not used")
    assert "16000 Hz" in lines[unused + 1] and lines[unused + 1].endswith("8000 Hz, not compressed")


def test_nothing_is_listed_where_there_is_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for arguments in ([], ["--unused"]):
        clean_features.main(arguments)
    assert capsys.readouterr().out == ""


def test_unused_ones_are_removed(made, tmp_path, capsys):
    used = made("a")
    other_front_end = made(front_end={"n_bands": 42})
    other_audio = made(shards=3)
    old = tmp_path / "results/a/features"
    old.mkdir()
    clean_features.main(["--unused"])
    assert all(path.exists() for path in [*used.features, *used.tempi, *used.contents])
    assert not other_front_end.front_end.exists()
    assert not other_audio.folder.exists() and not old.exists()
    assert capsys.readouterr().out.count("removed ") == 3


def test_the_lists_of_used_audio_stay(made, capsys):
    shared = made("a")
    clean_features.main(["--features", f"{shared.folder}/"])
    assert not shared.front_end.exists() and not shared.tempi[0].exists()
    assert shared.contents[0].exists()
    clean_features.main([])
    assert f"{shared.folder}: 1.0 MB, used by results/a" in capsys.readouterr().out
    # Those of another checkout are compared with nothing.
    shared.checkout.write_text("another")
    clean_features.main(["--features", str(shared.folder)])
    assert not shared.folder.exists()


def test_features_of_a_running_run_are_refused(made):
    shared = made()
    run = FeatureLock(shared.front_end)
    run.acquire(write=False)
    for folder in (shared.folder, shared.front_end):
        with pytest.raises(UserError, match="in use by another run, which reads them; wait until"):
            clean_features.main(["--features", str(folder)])
    with pytest.raises(UserError, match="in use by another run"):
        clean_features.main(["--unused"])
    assert shared.features[0].exists()
    planned_before = FeatureLock(shared.front_end)
    run.release()
    clean_features.main(["--features", str(shared.front_end)])
    with pytest.raises(UserError, match=r"has changed the features in .* since this one was plan"):
        planned_before.acquire(write=False)


def test_old_features_of_running_results_are_refused(made, tmp_path):
    made("a")
    (tmp_path / "results/a/features").mkdir()
    run = RunLock(tmp_path / "results/a")
    run.acquire()
    with pytest.raises(UserError, match="is in use by"):
        clean_features.main(["--unused"])


@pytest.mark.parametrize("folder", ["results/a", "data", "data/features", "/", "nowhere"])
def test_any_other_folder_is_refused(made, folder):
    made("a")
    with pytest.raises(
        UserError, match="is not a folder of shared features; `make clean-features`"
    ):
        clean_features.main(["--features", folder])


@pytest.mark.parametrize("content", ["", "[]", "dataset: demo\naudio_dir: null\nshards: []\n"])
def test_results_that_cannot_be_read_keep_all_features(made, tmp_path, content):
    shared = made()
    (tmp_path / "results/x").mkdir(parents=True)
    text = content and f"{content}front_end: 1\n"
    (tmp_path / "results/x/config.yaml").write_text(text)
    with pytest.raises(UserError, match=r"results/x/config\.yaml is"):
        clean_features.main(["--unused"])
    assert shared.features[0].exists()


@pytest.mark.parametrize("content", ["", "{}x", "[]", '{"n_bands": 1, "more": 2}'])
def test_a_damaged_description_is_an_unknown_front_end(made, content, capsys):
    shared = made()
    assert json.loads(shared.settings.read_text()) == asdict(FrontEnd())
    shared.settings.write_text(content)
    clean_features.main([])
    assert "an unknown front end" in capsys.readouterr().out


@pytest.mark.endurance
def test_finished_results_need_nothing_after_a_removal(again):
    workflow = again.folder / "workflow"
    target = again.shared.relative_to(workflow)
    code, output = run_module("commands.clean_features", "--features", target, folder=workflow)
    assert code == 0 and f"removed {target}: 0." in output
    assert "Nothing to be done" in again.run()
    # A new training extracts the features again, and repeats no other.
    again.own.write_text(
        again.own.read_text() + "  time_1x30:\n    architecture: Time\n    input_frames: 80\n"
        "    trunks: {time: {filter: [1, 30], pool: [40, 1]}}\n"
    )
    assert again.data()["extract_mel"] == 2
    assert planned(again.run("-n", "--", f"{DATA}/table1.csv"))["train"] == 3
