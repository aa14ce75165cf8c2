"""Experiments on the same audio share their features; one run extracts them at a time."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys

import pandas as pd
import pytest

from tests.conftest import ROOT, shipped_config
from tests.runs import DATA, Run, finished, planned
from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.errors import UserError
from workflow_scripts.paths import SharedFeatures
from workflow_scripts.workflow import configuration
from workflow_scripts.workflow.feature_lock import FeatureLock
from workflow_scripts.workflow.shared_features import audio_of, describe, shared_features

WRITERS = {"list_tracks", "extract_mel", "detect_tempo", "detect_onsets"}
PLACE = SharedFeatures.ROOT / "demo-4"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder."""
    (tmp_path / "checkout").mkdir()
    monkeypatch.chdir(tmp_path / "checkout")
    return tmp_path


def of(audio_dir, before=None, **changes):
    """The folder of an experiment on this audio, after results with `before` as audio_dir."""
    config = {"dataset": "folder", "audio_dir": str(audio_dir), "shards": 4, **changes}
    last = {"dataset": "folder", "audio_dir": str(before)} if before else None
    return shared_features(config, last).folder


def extract(audio_dir, before=None):
    """Make the folder as a run does; return it."""
    config = {"dataset": "folder", "audio_dir": str(audio_dir), "shards": 4}
    last = {"dataset": "folder", "audio_dir": str(before)} if before else None
    shared = shared_features(config, last)
    describe(shared, str(audio_dir), FrontEnd())
    return shared.folder


class TestPlace:
    def test_it_depends_on_audio_shards_and_front_end_only(self):
        config = shipped_config("quick")
        configuration.complete(config)
        shared = shared_features(config)
        assert shared.folder == SharedFeatures.ROOT / f"ballroom-{config['shards']}"
        assert shared.front_end == shared.folder / FrontEnd().key
        other = config | {"seed": 7, "name": "x", "folds": 4, "on_bad_audio": "skip"}
        assert shared_features(other).index == shared.index
        front_end = config["front_end"] | {"n_bands": 96}
        changed = shared_features(config | {"front_end": front_end})
        assert changed.folder == shared.folder and changed.front_end != shared.front_end
        assert changed.tempi == shared.tempi and changed.onsets != shared.onsets
        assert shared_features(config | {"shards": 3}).folder.name == "ballroom-3"

    def test_folders_of_one_name_have_their_own(self, here):
        for parent in "ab":
            (here / parent / "my {music} 1").mkdir(parents=True)
        names = [of(here / parent / "my {music} 1").name for parent in "ab"]
        assert all(re.fullmatch(r"my_music_1-[0-9a-f]{8}-4", name) for name in names)
        assert len({*names}) == 2

    def test_other_spellings_of_a_folder_are_the_same_audio(self, here):
        (here / "music").mkdir()
        (here / "link").symlink_to("music")
        folder = extract("../music")
        spellings = ["../music/", "../link", here / "music", "../checkout/../music"]
        assert {of(path) for path in spellings} == {folder}
        shared = SharedFeatures(folder, "key", 4)
        assert {audio_of(shared, str(path)) for path in spellings} == {"../music"}

    def test_audio_that_has_moved_keeps_its_features(self, here):
        (here / "music").mkdir()
        folder = extract("../music")
        (here / "music").rename(here / "moved")
        assert of("../moved") != folder, "results of another audio do not claim it"
        assert of("../moved", before="../music") == folder
        assert extract("../moved", before="../music") == folder
        # Of any results from now on.
        assert of("../moved") == of("../moved", before="../moved") == folder
        # Other audio in the old place has features of its own.
        (here / "music").mkdir()
        assert of("../music") != folder
        assert extract("../music") == of("../music")

    def test_a_workflow_that_moves_with_its_audio_keeps_them(self, here, monkeypatch):
        (here / "checkout/music").mkdir()
        folder = extract("music")
        (here / "checkout").rename(here / "elsewhere")
        monkeypatch.chdir(here / "elsewhere")
        assert of("music") == folder
        # Also after somebody removed them.
        shutil.rmtree(folder)
        assert of("music") == folder


class TestLock:
    def test_runs_that_read_share_it(self, here):
        first, second = FeatureLock(PLACE), FeatureLock(PLACE)
        first.acquire(write=False)
        second.acquire(write=False)
        with pytest.raises(UserError, match="are in use by another run, which reads them; wait"):
            FeatureLock(PLACE).acquire(write=True)
        first.release()
        second.release()
        FeatureLock(PLACE).acquire(write=True)

    @pytest.mark.parametrize("write", [True, False])
    def test_a_run_that_extracts_is_named(self, here, write):
        first = FeatureLock(PLACE)
        first.acquire(write=True)
        sentence = (
            rf"the features in {PLACE} are being extracted by .*, process {os.getpid()}, since 20.*"
            "; wait until it has extracted them, and run the same command again"
        )
        with pytest.raises(UserError, match=sentence):
            FeatureLock(PLACE).acquire(write)

    def test_others_read_after_the_extraction_but_not_by_an_older_plan(self, here):
        before, first = FeatureLock(PLACE), FeatureLock(PLACE)
        first.acquire(write=True)
        during = FeatureLock(PLACE)
        first.share()
        for planned_earlier in (before, during):
            with pytest.raises(UserError, match=r"has changed the features in .*; run the same"):
                planned_earlier.acquire(write=False)
        FeatureLock(PLACE).acquire(write=False)
        assert FeatureLock(PLACE)._last_run().endswith("(ended)")

    def test_a_killed_process_releases_it(self, here):
        program = (
            "import os, pathlib, workflow_scripts.workflow.feature_lock as f\n"
            f"f.FeatureLock(pathlib.Path({str(PLACE)!r})).acquire(True)\n"
            "os.kill(os.getpid(), 9)"
        )
        killed = subprocess.run(
            [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False
        )
        assert killed.returncode == -signal.SIGKILL
        FeatureLock(PLACE).acquire(write=True)

    def test_another_front_end_has_its_own(self, here):
        held = [FeatureLock(PLACE / "a"), FeatureLock(PLACE / "b"), FeatureLock(PLACE)]
        for lock in held:
            lock.acquire(write=True)

    def test_a_place_that_cannot_be_written_is_reported_in_one_sentence(self, here):
        SharedFeatures.ROOT.parent.mkdir()
        SharedFeatures.ROOT.write_text("a file where the folder should be")
        with pytest.raises(UserError, match=r"cannot write to data/features/\.locks: Not a dir"):
            FeatureLock(PLACE).acquire(write=False)


def shared_files(again):
    """The time and content of each shared file."""
    return {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in again.shared.rglob("*.*")}


class TestRuns:
    def test_a_second_experiment_extracts_nothing(self, again):
        options = ("name=second", "folds=4", "seed=7", "on_bad_audio=skip", "validation=segments")
        jobs = again.plan(*options)
        assert not WRITERS & {*jobs}
        assert (jobs["select_tracks"], jobs["find_replicas"], jobs["train"]) == (1, 1, 16)
        before = shared_files(again)
        target = "results/second/predictions/time_1x60/fold-0.csv"
        done = finished(again.run(*options, "--", target))
        assert not WRITERS & {*done} and done["train"] == 4
        assert shared_files(again) == before
        assert again.plan() == {}

    def test_another_front_end_lists_nothing_and_estimates_no_tempo(self, again):
        again.own.write_text(f"{again.own.read_text()}front_end: {{compression: 1000}}\n")
        jobs = again.plan("name=other")
        assert jobs["extract_mel"] == 2 and not {"list_tracks", "detect_tempo"} & {*jobs}

    @pytest.mark.endurance
    def test_excluded_tracks_are_listed_as_skipped(self, again):
        listed = pd.read_csv(again.results / "tracks.csv")
        gone = listed["track_id"][[0, 5, 9]].tolist()
        path = again.folder / "faults.txt"
        path.write_text("# faults\n" + "".join(f"{name}\n" for name in gone))
        option = f"exclude={path}"
        target = f"{DATA}/folds.csv"
        jobs = finished(again.run(option, "--", target))
        assert jobs == {"select_tracks": 1, "find_replicas": 1, "assign_folds": 1}
        skipped = pd.read_csv(again.results / "skipped.csv")
        assert skipped["track_id"].tolist() == sorted(gone)
        assert (skipped["reason"] == "excluded").all()
        used = pd.read_csv(again.results / "folds.csv")["track_id"]
        assert len(used) == 9 and not {*gone} & {*used}
        assert len(pd.read_csv(again.results / "tracks.csv")) == 9
        # Its time, name and order do not matter.
        moved = again.folder / "moved.csv"
        moved.write_text("track_id\n" + "".join(f"{name}\n" for name in reversed(gone)))
        for same in (option, f"exclude={moved}", f"exclude={json.dumps(gone)}"):
            path.touch()
            assert "Nothing to be done" in again.run(same, "-n", "--", target)
        path.write_text(gone[0])
        assert "select_tracks" in planned(again.run(option, "-n", "--", target))
        code, output = again.run(
            f"exclude={json.dumps([gone[0] + '0'])}", "--", target, check=False
        )
        assert code != 0 and "Traceback" not in output
        assert f"that the data set does not have: '{gone[0]}0' (similar: {gone[0]}" in output

    def test_too_few_tracks_remain(self, again):
        listed = pd.read_csv(again.results / "tracks.csv")
        gone = listed["track_id"][listed["label"] == "slow"][:2].tolist()
        target = f"{DATA}/folds.csv"
        code, output = again.run(f"exclude={json.dumps(gone)}", "--", target, check=False)
        assert (
            code != 0 and "at least 3 tracks of each class, but there are fewer of slow" in output
        )

    @pytest.mark.endurance
    def test_changes_are_seen_behind_removed_features(self, again):
        """Snakemake sees none behind a checkpoint whose files are missing."""
        shutil.rmtree(again.shared)
        again.set_training(learning_rate=0.02)
        target = f"{DATA}/models/time_1x60/fold-0/fit.json"
        jobs = planned(again.run("-n", "--", target))
        assert (jobs["list_tracks"], jobs["extract_mel"], jobs["train"]) == (1, 2, 1)
        assert finished(again.run("replace=true", "--", target))["train"] == 1

    @pytest.mark.endurance
    def test_removed_features_are_extracted_again_without_training(self, again):
        shutil.rmtree(again.shared)
        jobs = again.data()
        assert (jobs["list_tracks"], jobs["extract_mel"]) == (1, 2)
        assert again.plan() == {}

    def test_features_of_another_checkout_are_rejected(self, again):
        (again.shared / ".checkout").write_text("another")
        code, output = again.run(check=False)
        assert code != 0 and "Traceback" not in output
        name = again.shared.relative_to(again.folder / "workflow")
        assert f"{name} was made by another checkout" in output
        assert f"`make clean-features FEATURES={name}`" in output


@pytest.mark.endurance
class TestTwoRuns:
    @pytest.mark.timing
    def test_one_extracts_and_the_other_waits_for_it(self, again):
        """Until the first has extracted: then the second runs while the first trains."""
        arguments = again.one_long_training("time_1x60")
        shutil.rmtree(again.shared)
        first = Run(again, *arguments)
        target = "results/second/models/frequency_32x1/fold-0/fit.json"
        try:
            first.wait_for(first.log, "^List the tracks")
            # However fast it extracts, it holds the lock while the second run starts.
            os.killpg(first.process.pid, signal.SIGSTOP)
            code, output = again.run("name=second", "--", target, check=False)
            os.killpg(first.process.pid, signal.SIGCONT)
            assert code != 0 and "Traceback" not in output and not finished(output)
            who = rf"are being extracted by .*, process {first.process.pid}, since 20"
            assert re.search(who, output), output
            first.wait_for(again.results / "logs/train/time_1x60/fold-0.log", "epoch 3:")
            again.set_training(max_epochs=2)
            assert finished(again.run("name=second", "--", target))["train"] == 1
            # What would extract them again has to wait for those who read them.
            next((again.folder / "audio").rglob("*.wav")).write_bytes(b"other")
            code, output = again.run("name=third", "on_bad_audio=skip", check=False)
            assert code != 0 and "are in use by another run, which reads them; wait" in output
            assert first.process.poll() is None
        finally:
            first.kill_all()
        assert "list_tracks" in planned(again.run("name=third", "-n"))

    def test_a_killed_extraction_locks_nothing(self, again):
        files = sorted(again.features.glob("shard-*.npy"))
        content = [path.read_bytes() for path in files]
        shutil.rmtree(again.features)
        targets = ("--", *(path.relative_to(again.folder / "workflow") for path in files))
        first = Run(again, *targets)
        first.wait_for(first.log, "^Extract the mel features")
        first.kill_all()
        (files[0].parent / f".{files[0].stem}.partial-1.npy").touch()
        assert finished(again.run(*targets))["extract_mel"] >= 1
        assert [path.read_bytes() for path in files] == content
        assert not [*again.shared.rglob("*partial*")]
