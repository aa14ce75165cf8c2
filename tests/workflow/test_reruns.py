"""What runs again after a change: exactly what depends on it."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from tests.conftest import DATA, OVERLAID, clicks, planned, run_module, write_wav

# What every training leads to.
TRAINED = {"train": 12, "evaluate": 4, "tabulate": 1}
EVALUATED = {"evaluate": 4, "tabulate": 1}


def edit(path, old, new):
    """Replace text that has to be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def train(again, **settings):
    """Set what config.yaml's `training` holds."""
    again.own.write_text(again.own.read_text() + f"training: {json.dumps(settings)}\n")


def epochs(again, variant, fold):
    """The epochs that the last training of this model went through."""
    log = again.results / "logs/train" / variant / f"fold-{fold}.log"
    return [int(number) for number in re.findall(r"^epoch (\d+):", log.read_text(), re.MULTILINE)]


@pytest.mark.slow
class TestNothing:
    def test_when_nothing_changed(self, again):
        assert "Nothing to be done" in again.run()

    def test_that_computes_when_files_are_touched(self, again):
        for path in again.folder.rglob("*"):
            if path.suffix in (".py", ".smk", ".wav", ".yaml"):
                path.touch()
        jobs = again()
        assert set(jobs) <= {"list_tracks"}
        assert again.decoded == {}

    def test_for_comments_logs_profiles_and_resources(self, again):
        folder = again.folder / "workflow"
        edit(folder / "rules/training.smk", "rule train:", "# A comment.\nrule train:")
        module = folder / "workflow_scripts/networks/training.py"
        edit(module, "class HalvingRate:", "# A comment.\n\n\nclass HalvingRate:  # another")
        edit(module, '"""Mean categorical cross-entropy', '"""Mean  categorical\n    cross-entropy')
        edit(folder / "workflow_scripts/process.py", "interrupted; run", "interrupted: run")
        shutil.rmtree(again.results / "logs")
        shutil.rmtree(again.results / "benchmarks")
        assert "Nothing to be done" in again.run("-n")
        more = ("--set-resources", "train:mem_mb=3000", "--retries", 2)
        assert "Nothing to be done" in again.run("-n", *more)

    def test_for_a_run_that_is_forced_but_has_been_trained(self, again):
        before = (again.results / "table1.csv").read_bytes()
        assert again("--forcerun", "train") == TRAINED
        assert epochs(again, "time_1x60", 0) == []
        assert (again.results / "table1.csv").read_bytes() == before


@pytest.mark.slow
class TestAnEditOfTheCode:
    def test_of_the_training(self, again):
        module = again.folder / "workflow/workflow_scripts/networks/training.py"
        edit(module, "self.rate / 2", "self.rate / 3")
        # Evaluation reads what a training leaves, not how it is done.
        assert again.plan() == TRAINED

    def test_of_the_table(self, again):
        edit(
            again.folder / "workflow/workflow_scripts/results/table1.py",
            "import ",
            "import math\nimport ",
        )
        assert again.plan() == {"tabulate": 1}

    def test_of_the_other_engine(self, again):
        module = again.folder / "workflow/workflow_scripts/networks/engine_torch.py"
        edit(module, "import ", "import math\nimport ")
        assert again.plan() == {}

    def test_of_the_front_end(self, again):
        module = again.folder / "workflow/workflow_scripts/audio/front_end.py"
        edit(module, "import gc\n", "import gc\nimport math\n")
        assert again.plan()["extract_mel"] == 2


@pytest.mark.slow
class TestAnotherSetting:
    def test_the_learning_rate_of_all(self, again):
        train(again, learning_rate=0.02)
        assert again.plan() == TRAINED

    def test_the_learning_rate_of_one_variant(self, again):
        again.own.write_text(
            f"variants:\n{OVERLAID}  frequency_32x1: {{training: {{learning_rate: 0.02}}}}\n"
        )
        # And that of the variant that starts from it.
        expected = {"train": 6, "evaluate": 2, "tabulate": 1}
        assert again.plan() == expected

    def test_more_epochs_go_on_and_end_as_if_there_had_been_no_pause(self, again):
        train(again, max_epochs=4)
        assert again() == TRAINED
        assert epochs(again, "time_1x60", 0) == [3, 4]
        models = again.results / "models"
        went_on = {path: path.read_bytes() for path in models.glob("time*/fold-0/weights.npz")}
        shutil.rmtree(models)
        targets = [path.relative_to(again.folder / "workflow") for path in went_on]
        again.run("--", *targets)
        assert epochs(again, "time_1x60", 0) == [1, 2, 3, 4]
        assert len(went_on) == 3
        assert {path: path.read_bytes() for path in went_on} == went_on

    def test_fewer_epochs_train_anew(self, again):
        train(again, max_epochs=1)
        again.run("--", f"{DATA}/models/time_1x60/fold-0/weights.npz")
        assert epochs(again, "time_1x60", 0) == [1]

    def test_more_shards_are_listed(self, again):
        assert again.plan("shards=3")["list_tracks"] == 1

    def test_fewer_shards_hold_all_tracks(self, again):
        # Two lists are there and one is asked for.
        jobs = again("shards=1", "on_bad_audio=skip")
        assert (jobs["list_tracks"], jobs["extract_mel"], jobs["train"]) == (1, 1, 12)
        assert again.decoded == {"shard-0": 12}
        assert len(pd.read_csv(again.results / "folds.csv")) == 12

    def test_the_seed(self, again):
        jobs = {"assign_folds": 1, "fit_scaler": 1, "evaluate_baselines": 1, **TRAINED}
        assert again.plan("seed=7") == jobs


@pytest.mark.slow
class TestResultsOfAnotherCheckout:
    @pytest.fixture
    def moved(self, again):
        """The results beside a checkout whose Snakemake knows nothing of them."""
        shutil.rmtree(again.folder / "workflow/.snakemake")
        for path in again.results.rglob("*"):
            path.touch()
        return again

    def adopt(self, again):
        return run_module("commands.adopt", DATA, folder=again.folder / "workflow")

    def trained(self, again):
        """The models that were trained, epoch by epoch, by the last run."""
        logs = again.results.glob("logs/train/*/*.log")
        return {f"{log.parent.name}/{log.stem}" for log in logs if "epoch 1:" in log.read_text()}

    def test_are_never_taken_for_up_to_date(self, moved):
        code, output = moved.run(check=False)
        assert code != 0 and "Traceback" not in output
        assert "results/smoke was made by another checkout" in output
        assert "`make adopt NAME=smoke`" in output
        assert (moved.results / "table1.md").exists()

    def test_adopted_they_are_computed_again_and_nothing_is_trained_again(self, moved):
        before = {p: p.read_bytes() for p in moved.results.rglob("table1.*")}
        models = {p: p.read_bytes() for p in moved.results.glob("models/*/*/fit.json")}
        for checkpoint in moved.results.glob("models/*/*/checkpoint"):
            checkpoint.unlink()  # as in an archive
        code, output = self.adopt(moved)
        assert code == 0 and "results/smoke is adopted" in output
        jobs = moved()
        assert (jobs["extract_mel"], jobs["train"], jobs["evaluate"]) == (2, 12, 4)
        assert self.trained(moved) == set()
        assert {p: p.read_bytes() for p in before} == before
        assert {p: p.read_bytes() for p in models} == models
        assert moved() == {}
        assert "there is nothing to adopt" in self.adopt(moved)[1]

    def test_any_file_asked_for_is_computed_again(self, moved):
        assert self.adopt(moved)[0] == 0
        target = f"{DATA}/predictions/time_1x60/fold-0.csv"
        jobs = planned(moved.run("-n", "--", target))
        assert (jobs["list_tracks"], jobs["train"], jobs["evaluate"]) == (1, 3, 1)

    def test_other_settings_are_trained_anew(self, moved):
        moved.own.write_text(
            f"variants:\n{OVERLAID}  frequency_32x1: {{training: {{dropout: 0.4}}}}\n"
        )
        assert self.adopt(moved)[0] == 0
        assert moved()["train"] == 12
        # And the variant that starts from it.
        changed = ("frequency_32x1", "timefrequency_init")
        assert self.trained(moved) == {f"{v}/fold-{k}" for v in changed for k in range(3)}

    def test_a_damaged_model_is_trained_again(self, moved):
        weights = moved.results / "models/time_1x60/fold-1/weights.npz"
        content = weights.read_bytes()
        weights.write_bytes(content[:-1] + b"x")
        assert self.adopt(moved)[0] == 0
        moved.run("--", weights.relative_to(moved.folder / "workflow"))
        assert weights.read_bytes() == content
        assert self.trained(moved) == {"time_1x60/fold-1"}

    def test_a_second_adoption_does_not_replace_the_first(self, moved):
        assert self.adopt(moved)[0] == 0
        moved.run("--", f"{DATA}/tracks.csv")
        shutil.rmtree(moved.folder / "workflow/.snakemake")
        code, output = self.adopt(moved)
        assert code == 1 and "has the results of an earlier adoption; remove it" in output


@pytest.mark.slow
class TestTheReport:
    def plan(self, again, *arguments):
        jobs = planned(again.run(*arguments, "-n"))
        jobs.pop("total", None)
        return jobs

    def test_a_change_of_the_page_writes_it_again(self, again):
        style = again.folder / "workflow/workflow_scripts/report/templates/style.css"
        edit(style, "line-height: 1.1", "line-height: 1.2")
        assert self.plan(again) == {"report": 1, "all": 1}

    def test_another_network_to_listen_to(self, again):
        jobs = self.plan(again, "listen_to=time_1x60")
        assert jobs == {"auralise": 1, "report": 1, "all": 1}

    def test_code_of_the_interventions(self, again):
        module = again.folder / "workflow/workflow_scripts/interpretation/interventions.py"
        edit(module, "range(-6, 7)", "range(-5, 6)")
        jobs = self.plan(again)
        assert jobs == {"intervene": 4, "tabulate_interventions": 1, "report": 1, "all": 1}


@pytest.mark.slow
class TestOtherDataUnderAnOldName:
    def test_is_said(self, again):
        (again.folder / "other").mkdir()
        code, output = again.run("audio_dir=../other", check=False)
        assert code != 0 and "Traceback" not in output
        assert "results/smoke has results of ../audio, but this run uses ../other; " in output
        assert again() == {}

    def test_the_same_folder_by_another_path_is_the_same(self, again):
        (again.folder / "link").symlink_to("audio")
        jobs = again("audio_dir=../link")
        assert jobs["extract_mel"] == jobs["train"] == 0


@pytest.mark.slow
class TestAnotherVariantOrTrack:
    def test_a_new_variant_trains_its_own_folds(self, again):
        again.own.write_text(
            "variants:\n"
            f"{OVERLAID}"
            "  time_1x30:\n"
            "    architecture: Time\n"
            "    input_frames: 80\n"
            "    trunks: {time: {filter: [1, 30], pool: [40, 1]}}\n"
        )
        assert again() == {"train": 3, "evaluate": 1, "tabulate": 1}

    def test_a_longer_input_trains_no_other_variant(self, again):
        own = again.own
        before = own.read_text()
        own.write_text(
            f"{before}"
            "  time_1x90:\n"
            "    architecture: Time\n"
            "    input_frames: 100\n"
            "    trunks: {time: {filter: [1, 90], pool: [40, 1]}}\n"
        )
        longer = {"assign_folds": 1, "train": 3, "evaluate": 1, "tabulate": 1}
        assert again() == longer
        own.write_text(before)
        assert again() == {"assign_folds": 1, "tabulate": 1}

    def test_another_filter_trains_its_variant_and_what_starts_from_it(self, again):
        own = again.own
        own.write_text(
            "variants:\n"
            "  timefrequency: {trunks: {time: {filter: [1, 50], pool: [40, 1]}}}\n"
            f"{OVERLAID}"
        )
        assert again() == {"train": 3, "evaluate": 1, "tabulate": 1}

    def test_a_new_track_extracts_its_shard(self, again):
        rng = np.random.default_rng(9)
        new = again.folder / "audio/slow/new.wav"
        write_wav(new, clicks(rng, 75, 8))
        jobs = again()
        assert (jobs["extract_mel"], jobs["train"]) == (1, 12)
        assert again.decoded == dict([again.shard_of(new)])

    def test_a_file_of_other_content_extracts_its_old_and_its_new_shard(self, again):
        path = again.folder / "audio/slow/slow 1.wav"
        old, _ = again.shard_of(path)
        shards = {old}
        for seed in range(100):
            write_wav(path, clicks(np.random.default_rng(seed), 72, 8))
            if again.shard_of(path)[0] != old:
                break
        jobs = again()
        new, n_new = again.shard_of(path)
        n_old = 12 - n_new
        assert old != new and shards == {old}
        assert again.decoded == {old: n_old, new: n_new}
        assert (jobs["extract_mel"], jobs["train"]) == (2, 12)

    def test_a_renamed_class_and_a_moved_folder_extract_nothing(self, again):
        audio = again.folder / "audio"
        (audio / "slow").rename(audio / "gentle")
        jobs = again()
        assert jobs["extract_mel"] == 0 and jobs["train"] == 12
        assert again.decoded == {}
        audio.rename(again.folder / "moved")
        moved = again("audio_dir=../moved")
        assert moved["extract_mel"] == 0
        assert moved["train"] == 0
        assert again.decoded == {}

    def test_another_sampling_detects_onsets_and_trains_but_extracts_nothing(self, again):
        jobs = again("sampling=onset")
        assert jobs["detect_onsets"] == 2 and jobs["train"] == 12
        assert again.decoded == {}
        fit = json.loads((again.results / "models/time_1x60/fold-0/fit.json").read_text())
        assert fit["sampling"] == "onset"
        # 4 tracks train, of four contiguous segments each; clicks at 70 to 173 BPM start more.
        assert fit["n_train_segments"] > 16 and fit["n_validation_segments"] == 16
        predictions = pd.read_csv(again.results / "predictions/time_1x60/fold-0.csv")
        assert (predictions["n_segments"] == 4).all(), "the test protocol stays the paper's"
