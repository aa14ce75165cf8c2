"""After a change, exactly the jobs that depend on it run again."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from tests.conftest import OVERLAID, clicks, write_wav
from tests.runs import DATA, UP_TO_THE_TABLE, finished, planned, run_module

# The jobs after a change that affects all models, or all evaluations.
TRAINED = {"train": 12, "evaluate": 4, "tabulate": 1}
ALL_TRAINED = TRAINED | {"evaluate_baselines": 1}
NEW_VARIANT = {"train": 3, "evaluate": 1, "tabulate": 1}


def edit(path, old, new):
    """Replace `old`, which the file must contain."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def epochs(again, variant, fold):
    """The epochs in the log of the last training of this model."""
    log = again.results / "logs/train" / variant / f"fold-{fold}.log"
    return [int(number) for number in re.findall(r"^epoch (\d+):", log.read_text(), re.MULTILINE)]


class TestUpToDate:
    def test_nothing_runs_without_a_change(self, again):
        assert "Nothing to be done" in again.run()

    def test_no_result_is_computed_when_files_are_only_touched(self, again):
        for path in again.folder.rglob("*"):
            if path.suffix in (".py", ".smk", ".wav", ".yaml"):
                path.touch()
        assert set(again.data()) <= {"list_tracks"}
        assert again.decoded == {}
        assert again.plan() == {}

    def test_nothing_runs_for_comments_messages_logs_and_resources(self, again):
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

    def test_a_forced_rerun_trains_no_epoch_of_a_finished_training(self, again):
        target = f"{DATA}/models/time_1x60/fold-0/weights.npz"
        before = (again.folder / "workflow" / target).read_bytes()
        assert finished(again.run("--forcerun", "train", "--", target)) == {"train": 1}
        assert epochs(again, "time_1x60", 0) == []
        assert (again.folder / "workflow" / target).read_bytes() == before


class TestEditedCode:
    def test_an_edit_of_the_training_retrains_all_models(self, again):
        module = again.folder / "workflow/workflow_scripts/networks/training.py"
        edit(module, "self.rate / 2", "self.rate / 3")
        # The evaluations do not depend on this code, but on the new models.
        assert again.plan() == TRAINED

    def test_an_edit_of_table_1_reruns_only_tabulate(self, again):
        edit(
            again.folder / "workflow/workflow_scripts/results/table1.py",
            "import ",
            "import math\nimport ",
        )
        assert again.plan() == {"tabulate": 1}

    def test_an_edit_of_the_other_engine_reruns_nothing(self, again):
        module = again.folder / "workflow/workflow_scripts/networks/engine_torch.py"
        edit(module, "import ", "import math\nimport ")
        assert again.plan() == {}

    def test_an_edit_of_the_front_end_extracts_all_shards(self, again):
        module = again.folder / "workflow/workflow_scripts/audio/front_end.py"
        edit(module, "import gc\n", "import gc\nimport math\n")
        assert again.plan()["extract_mel"] == 2


class TestChangedSettings:
    def test_a_learning_rate_of_all_variants_retrains_all(self, again):
        again.set_training(learning_rate=0.02)
        assert again.plan() == TRAINED

    def test_a_learning_rate_of_one_variant_retrains_it_and_its_dependents(self, again):
        again.own.write_text(
            f"variants:\n{OVERLAID}  frequency_32x1: {{training: {{learning_rate: 0.02}}}}\n"
        )
        # frequency_32x1, and timefrequency_init, which starts from it.
        expected = {"train": 6, "evaluate": 2, "tabulate": 1}
        assert again.plan() == expected

    @pytest.mark.endurance
    def test_more_epochs_continue_and_give_the_bits_of_an_uninterrupted_training(self, again):
        again.set_training(max_epochs=4)
        # The tracks are listed again first; that hides no other change.
        next((again.folder / "audio").rglob("*.wav")).touch()
        models = again.results / "models"
        paths = [*models.glob("time*/fold-0/weights.npz")]
        targets = [path.relative_to(again.folder / "workflow") for path in paths]
        # Of fold 0: those of three variants, and the model that starts from two of them.
        assert finished(again.run("--", *targets)) == {"list_tracks": 1, "train": 4}
        assert epochs(again, "time_1x60", 0) == [3, 4]
        continued = {path: path.read_bytes() for path in paths}
        shutil.rmtree(models)
        again.run("--", *targets)
        assert epochs(again, "time_1x60", 0) == [1, 2, 3, 4]
        assert len(continued) == 3
        assert {path: path.read_bytes() for path in continued} == continued

    def test_fewer_epochs_train_from_the_start(self, again):
        again.set_training(max_epochs=1)
        again.run("replace=true", "--", f"{DATA}/models/time_1x60/fold-0/weights.npz")
        assert epochs(again, "time_1x60", 0) == [1]

    def test_more_shards_rerun_list_tracks(self, again):
        assert again.plan("shards=3")["list_tracks"] == 1

    @pytest.mark.endurance
    def test_fewer_shards_contain_all_tracks(self, again):
        # Two lists exist and only one is requested.
        jobs = again.data("shards=1", "on_bad_audio=skip")
        assert (jobs["list_tracks"], jobs["extract_mel"]) == (1, 1)
        # The tempi of the new folder are still to come.
        expected = ALL_TRAINED | {"detect_tempo": 1}
        assert again.plan("shards=1", "on_bad_audio=skip") == expected
        assert again.decoded == {"shard-0": 12}
        assert len(pd.read_csv(again.results / "folds.csv")) == 12

    def test_another_seed_reruns_folds_and_trainings(self, again):
        jobs = {"assign_folds": 1, "fit_scaler": 1, "evaluate_baselines": 1, **TRAINED}
        assert again.plan("seed=7") == jobs

    @pytest.mark.parametrize("seeds", ["[2016]", "null"])
    def test_one_seed_in_a_list_reruns_nothing(self, again, seeds):
        assert again.plan(f"seeds={seeds}") == {}

    def test_further_seeds_add_their_folds_and_trainings(self, again):
        jobs = {"assign_folds": 2, "fit_scaler": 2, "evaluate_baselines": 2}
        assert again.plan("seeds=[2016,7,8]") == jobs | {"train": 24, "evaluate": 8, "tabulate": 1}

    def test_a_requested_file_of_a_seed_needs_only_files_of_this_seed(self, again):
        target = f"{DATA}/seeds/7/models/timefrequency_init/fold-1/weights.npz"
        output = again.run("seeds=[2016,7]", "-n", "--", target)
        # Its two donors have the same seed and fold.
        assert planned(output) == {"assign_folds": 1, "fit_scaler": 1, "train": 3}
        code, output = again.run("seeds=[2016,8]", "-n", "--", target, check=False)
        assert code != 0 and "seeds/7" in output


class TestAdoption:
    @pytest.fixture
    def foreign(self, again):
        """Results in a checkout in which Snakemake has no records of them, and without features."""
        shutil.rmtree(again.folder / "workflow/.snakemake")
        shutil.rmtree(again.folder / "workflow/data")
        for path in again.results.rglob("*"):
            path.touch()
        return again

    def adopt(self, again):
        return run_module("commands.adopt", DATA, folder=again.folder / "workflow")

    def trained(self, again):
        """The models that the last run trained from the first epoch on."""
        logs = again.results.glob("logs/train/*/*.log")
        return {f"{log.parent.name}/{log.stem}" for log in logs if "epoch 1:" in log.read_text()}

    def test_results_of_another_checkout_are_rejected(self, foreign):
        code, output = foreign.run(check=False)
        assert code != 0 and "Traceback" not in output
        assert "results/smoke was made by another checkout" in output
        assert "`make adopt NAME=smoke`" in output
        assert (foreign.results / "table1.md").exists()

    @pytest.mark.endurance
    def test_adopted_results_are_computed_again_without_training(self, foreign):
        before = {p: p.read_bytes() for p in foreign.results.rglob("table1.*")}
        models = {p: p.read_bytes() for p in foreign.results.glob("models/*/*/fit.json")}
        for checkpoint in foreign.results.glob("models/*/*/checkpoint"):
            checkpoint.unlink()  # an archive has no checkpoints
        code, output = self.adopt(foreign)
        assert code == 0 and "results/smoke is adopted" in output
        jobs = finished(foreign.run(*UP_TO_THE_TABLE))
        assert (jobs["extract_mel"], jobs["train"], jobs["evaluate"]) == (2, 12, 4)
        assert self.trained(foreign) == set()
        assert {p: p.read_bytes() for p in before} == before
        assert {p: p.read_bytes() for p in models} == models
        assert foreign.plan() == {}
        assert "there is nothing to adopt" in self.adopt(foreign)[1]

    def test_any_requested_file_is_computed_again(self, foreign):
        assert self.adopt(foreign)[0] == 0
        target = f"{DATA}/predictions/time_1x60/fold-0.csv"
        jobs = planned(foreign.run("-n", "--", target))
        assert (jobs["list_tracks"], jobs["train"], jobs["evaluate"]) == (1, 3, 1)

    @pytest.mark.endurance
    def test_adopted_models_of_other_settings_are_trained_again(self, foreign):
        foreign.own.write_text(
            f"variants:\n{OVERLAID}  frequency_32x1: {{training: {{dropout: 0.4}}}}\n"
        )
        assert self.adopt(foreign)[0] == 0
        named = ("timefrequency_init", "time_1x60")
        models = [f"{DATA}/models/{variant}/fold-1/weights.npz" for variant in named]
        assert finished(foreign.run("--", *models))["train"] == 3
        # timefrequency_init starts from frequency_32x1.
        assert self.trained(foreign) == {"frequency_32x1/fold-1", "timefrequency_init/fold-1"}

    @pytest.mark.endurance
    @pytest.mark.parametrize("has_checkpoint", [True, False])
    def test_a_damaged_adopted_model_is_made_again(self, foreign, has_checkpoint):
        weights = foreign.results / "models/time_1x60/fold-1/weights.npz"
        content = weights.read_bytes()
        weights.write_bytes(content[:-1] + b"x")
        if not has_checkpoint:
            weights.with_name("checkpoint").unlink()
        assert self.adopt(foreign)[0] == 0
        foreign.run("--", weights.relative_to(foreign.folder / "workflow"))
        assert weights.read_bytes() == content
        assert self.trained(foreign) == (set() if has_checkpoint else {"time_1x60/fold-1"})

    @pytest.mark.endurance
    def test_a_second_adoption_keeps_the_models_of_the_first(self, foreign):
        models = foreign.results / "models"
        weights = {p: p.read_bytes() for p in models.glob("*/*/weights.npz")}
        assert self.adopt(foreign)[0] == 0
        copied = models / "time_1x60/fold-1/weights.npz"
        foreign.run("--", copied.relative_to(foreign.folder / "workflow"))
        assert [*models.glob("*/*/weights.npz")] == [copied]
        for folder in (".snakemake", "data"):
            shutil.rmtree(foreign.folder / "workflow" / folder)
        assert self.adopt(foreign)[0] == 0
        assert not models.exists()
        adopted = foreign.results / ".adopted"
        assert {
            foreign.results / p.relative_to(adopted): p.read_bytes()
            for p in adopted.glob("models/*/*/weights.npz")
        } == weights


def flip(path):
    """Flip a bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


class TestDamage:
    def remade(self, again, target):
        """Remove a file and request it; return the jobs, and the bytes of the new file."""
        path = again.folder / "workflow" / target
        path.unlink()
        return finished(again.run("--", target)), path.read_bytes()

    def test_damaged_features_are_named_and_only_their_shard_is_extracted(self, again):
        shard = again.features / "shard-1.npy"
        target = shard.relative_to(again.folder / "workflow")
        before = shard.read_bytes()
        flip(shard)
        code, output = again.run(*UP_TO_THE_TABLE, check=False)
        assert code != 0
        assert f"error: {target} is damaged: its checksum" in output
        assert "train" not in finished(output) and "Traceback" not in output
        made = self.remade(again, target)
        assert made == ({"extract_mel": 1}, before)
        # The search for replicas reads the features first, so no training has started.
        models = [*again.results.glob("models/*/*/weights.npz")]
        assert len(models) == TRAINED["train"]

    @pytest.mark.endurance
    def test_a_damaged_model_is_named_and_restored_from_its_checkpoint(self, again):
        target = f"{DATA}/models/time_1x60/fold-1/weights.npz"
        weights = again.folder / "workflow" / target
        before = weights.read_bytes()
        flip(weights)
        code, output = again.run(*UP_TO_THE_TABLE, check=False)
        assert code != 0
        assert f"error: {target} is damaged" in output and "Traceback" not in output
        assert self.remade(again, target) == ({"train": 1}, before)
        assert epochs(again, "time_1x60", 1) == [], "no epoch was trained again"


class TestReport:
    def plan(self, again, *arguments):
        return planned(again.run(*arguments, "-n"))

    def test_an_edit_of_the_style_sheet_reruns_only_the_report(self, again):
        style = again.folder / "workflow/workflow_scripts/report/templates/style.css"
        edit(style, "line-height: 1.1", "line-height: 1.2")
        assert self.plan(again) == {"report": 1, "all": 1}

    def test_another_listen_to_reruns_auralise_and_the_report(self, again):
        jobs = self.plan(again, "listen_to=time_1x60")
        assert jobs == {"auralise": 1, "report": 1, "all": 1}

    def test_an_edit_of_the_interventions_reruns_them_and_the_report(self, again):
        module = again.folder / "workflow/workflow_scripts/interpretation/interventions.py"
        edit(module, "MOST_BANDS = 6", "MOST_BANDS = 5")
        jobs = self.plan(again)
        assert jobs == {"intervene": 4, "tabulate_interventions": 1, "report": 1, "all": 1}


class TestAnotherAudioFolder:
    def test_results_of_another_folder_are_rejected(self, again):
        (again.folder / "other").mkdir()
        code, output = again.run("audio_dir=../other", check=False)
        assert code != 0 and "Traceback" not in output
        assert "results/smoke has results of ../audio, but this run uses ../other; " in output
        assert again.plan() == {}

    def test_the_same_folder_by_another_path_is_accepted(self, again):
        (again.folder / "link").symlink_to("audio")
        assert again.data("audio_dir=../link")["extract_mel"] == 0
        assert "train" not in again.plan("audio_dir=../link")


class TestVariantsAndTracks:
    def test_a_new_variant_trains_no_other_variant(self, again):
        again.own.write_text(
            "variants:\n"
            f"{OVERLAID}"
            "  time_1x30:\n"
            "    architecture: Time\n"
            "    input_frames: 80\n"
            "    trunks: {time: {filter: [1, 30], pool: [40, 1]}}\n"
        )
        assert again.plan() == NEW_VARIANT

    @pytest.mark.endurance
    def test_a_variant_with_longer_input_trains_no_other_variant(self, again):
        own = again.own
        before = own.read_text()
        own.write_text(
            f"{before}"
            "  time_1x90:\n"
            "    architecture: Time\n"
            "    input_frames: 100\n"
            "    trunks: {time: {filter: [1, 90], pool: [40, 1]}}\n"
        )
        assert again.data() == {"assign_folds": 1}
        assert again.plan() == NEW_VARIANT
        own.write_text(before)
        assert again.data() == {"assign_folds": 1}
        assert "train" not in again.plan()

    def test_another_filter_trains_only_its_variant(self, again):
        own = again.own
        own.write_text(
            "variants:\n"
            "  timefrequency: {trunks: {time: {filter: [1, 50], pool: [40, 1]}}}\n"
            f"{OVERLAID}"
        )
        assert again.plan() == NEW_VARIANT

    def test_a_new_track_extracts_only_its_shard(self, again):
        rng = np.random.default_rng(9)
        new = again.folder / "audio/slow/new.wav"
        write_wav(new, clicks(rng, 75, 8))
        assert again.data()["extract_mel"] == 1
        assert again.plan() == ALL_TRAINED
        assert again.decoded == dict([again.shard_of(new)])

    @pytest.mark.endurance
    def test_a_file_with_new_content_extracts_its_old_and_its_new_shard(self, again):
        path = again.folder / "audio/slow/slow 1.wav"
        old, _ = again.shard_of(path)
        for seed in range(100):
            write_wav(path, clicks(np.random.default_rng(seed), 72, 8))
            if again.shard_of(path)[0] != old:
                break
        jobs = again.data()
        new, n_new = again.shard_of(path)
        n_old = 12 - n_new
        assert old != new
        assert again.decoded == {old: n_old, new: n_new}
        assert jobs["extract_mel"] == 2
        assert again.plan() == ALL_TRAINED

    @pytest.mark.endurance
    def test_a_renamed_class_extracts_nothing(self, again):
        (again.folder / "audio/slow").rename(again.folder / "audio/gentle")
        assert again.data()["extract_mel"] == 0
        assert again.decoded == {}
        assert again.plan()["train"] == 12

    @pytest.mark.endurance
    def test_a_moved_folder_extracts_and_trains_nothing(self, again):
        (again.folder / "audio").rename(again.folder / "moved")
        assert again.data("audio_dir=../moved")["extract_mel"] == 0
        assert again.decoded == {}
        assert "train" not in again.plan("audio_dir=../moved")

    def test_onset_sampling_detects_onsets_and_trains_without_extraction(self, again):
        assert again.plan("sampling=onset") == {"detect_onsets": 2} | TRAINED

    @pytest.mark.endurance
    def test_onset_sampling_trains_on_other_segments_and_tests_on_the_same(self, again):
        target = f"{DATA}/predictions/time_1x60/fold-0.csv"
        jobs = finished(again.run("sampling=onset", "replace=true", "--", target))
        assert jobs == {"detect_onsets": 2, "train": 3, "evaluate": 1}
        fit = json.loads((again.results / "models/time_1x60/fold-0/fit.json").read_text())
        assert fit["sampling"] == "onset"
        # 4 training tracks have four contiguous segments each; clicks at 70 to 173 BPM start more.
        assert fit["n_train_segments"] > 16 and fit["n_validation_segments"] == 16
        predictions = pd.read_csv(again.folder / "workflow" / target)
        assert (predictions["n_segments"] == 4).all(), "test segments stay contiguous"
