"""A run that would replace finished trainings because settings changed says so and stops."""

import json
from copy import deepcopy

import pytest

from tests.conftest import overlay, shipped_config
from tests.runs import DATA, UP_TO_THE_TABLE, finished, planned
from workflow_scripts.errors import UserError
from workflow_scripts.paths import ResultPaths
from workflow_scripts.workflow import configuration
from workflow_scripts.workflow.replaced_trainings import Ledger, Planned, check, replaced
from workflow_scripts.workflow.training_settings import settings_of

N_FOLDS, N_EPOCHS, SECONDS = 3, 30, 600.0


# Black-boxes with fewer epochs than the others.
SHORT = {"training": {"max_epochs": 7}}
SETTINGS = {
    "folds": N_FOLDS,
    "training": {"max_epochs": N_EPOCHS},
    "variants": {"blackbox_12x8": SHORT, "blackbox_12x200": SHORT},
}


def configured(**update):
    config = overlay(overlay(shipped_config(), deepcopy(SETTINGS)), deepcopy(update))
    configuration.complete(config)
    return config


class Trained:
    """A folder of results, and the trainings that runs have finished in it."""

    def __init__(self, folder):
        self.results = ResultPaths(folder)
        folder.mkdir()

    def run(self, config, variants=None):
        """Start and finish a run; without `variants`, of all trainings."""
        self.start(config)
        for training in self.plan(config, variants):
            model = training.model
            model.folder.mkdir(parents=True, exist_ok=True)
            model.weights.touch()
            epochs = min(N_EPOCHS, training.settings["training"]["max_epochs"])
            # Another content at each training, as another time or commit makes it.
            self.number = getattr(self, "number", 0) + 1
            fit = dict(training.settings) | {"seconds": SECONDS, "n_epochs": epochs}
            model.fit.write_text(json.dumps(fit | {"checksum": f"{self.number:016x}"}))

    def start(self, config):
        """Start a run, which ends before its first training."""
        Ledger(self.results).write([self.results.folder])
        configuration.keep(config, self.results)

    def plan(self, config, variants=None):
        return [
            Planned(model, settings_of(config, model.variant))
            for model in self.results.models(variants or config["variants"], config["folds"])
        ]

    def lost(self, config, variants=None):
        """Variants and folds of the trainings that a run would replace."""
        lost = replaced(self.plan(config, variants), config, self.results)
        return sorted((one.model.variant, one.model.fold) for one in lost)

    def sentence(self, config):
        with pytest.raises(UserError) as caught:
            check(replaced(self.plan(config), config, self.results), self.results)
        return str(caught.value)


@pytest.fixture
def trained(tmp_path):
    trained = Trained(tmp_path / "mine")
    trained.run(configured())
    return trained


ALL = [(variant, fold) for variant in sorted(configured()["variants"]) for fold in range(N_FOLDS)]


@pytest.mark.parametrize(
    "update",
    [
        {},
        {"training": {"max_epochs": 90}},
        {"shards": 9, "listen_to": "time_1x60", "name": "mine"},
        {"sampling_hop": 7},
        {"on_bad_audio": "skip"},
        {"on_bad_audio": "use_truncated"},
        {"training": {"class_weights": "none"}},
        {"variants": {"time_1x60": None, "timefrequency_init": None}},
        {"variants": {"time_1x60": {"architecture": "Black-box"}}},
        {"variants": {"new": shipped_config()["variants"]["time_1x60"]}},
    ],
)
def test_additions_and_settings_of_the_report_replace_nothing(trained, update):
    assert trained.lost(configured(**update)) == []


@pytest.mark.parametrize(
    ("update", "change"),
    [
        ({"seed": 7}, "seed 2016 -> 7"),
        ({"folds": 4}, "folds 3 -> 4"),
        ({"split_by": "part"}, "folds 3 -> 1; split_by none -> part"),
        ({"stratified": False}, "stratified true -> false"),
        ({"group_by": "singer"}, "group_by none -> singer"),
        ({"exclude": ["a/b"]}, 'exclude none -> ["a/b"]'),
        ({"normalisation": "train"}, "normalisation dataset -> train"),
        ({"validation": "segments"}, "validation tracks -> segments"),
        ({"sampling": "overlapping"}, "sampling contiguous -> overlapping"),
        ({"level": "normalised"}, "level as_recorded -> normalised"),
        ({"engine": "torch"}, "engine mxnet -> torch"),
        ({"augmentation": {"gain": 6}}, "augmentation.gain 0 -> 6"),
        ({"training": {"learning_rate": 0.02}}, "training.learning_rate 0.01 -> 0.02"),
        ({"training": {"class_weights": "balanced"}}, "training.class_weights none -> balanced"),
        ({"replicas": "keep"}, "replicas group -> keep"),
    ],
)
def test_changed_settings_replace_all_trainings(trained, update, change):
    trained.results.replicas.write_text("first,second,score,verdict\na,b,1.0,same file\n")
    assert trained.lost(configured(**update)) == ALL
    sentence = trained.sentence(configured(**update))
    assert f"replace 36 finished trainings in {trained.results.folder}, which took" in sentence
    assert f"6.0 h, because of other settings: {change}" in sentence
    assert "--config name=" in sentence and "replace=true" in sentence


def test_fewer_epochs_than_a_training_has_replace_it(trained):
    black_boxes = {"blackbox_12x8", "blackbox_12x200"}
    changed = configured(training={"max_epochs": 20})
    assert {variant for variant, _ in ALL} - {v for v, _ in trained.lost(changed)} == black_boxes
    assert "training.max_epochs 30 -> 20" in trained.sentence(changed)
    assert trained.lost(configured(training={"max_epochs": N_EPOCHS})) == []


def test_a_changed_variant_replaces_itself_and_those_that_start_from_it(trained):
    changed = configured(variants={"time_1x60": {"training": {"dropout": 0.1}}})
    lost = {variant for variant, _ in trained.lost(changed)}
    assert lost == {"time_1x60", "timefrequency_init"}
    network = {"trunks": {"frequency": {"filter": [30, 1], "pool": [1, 70]}}}
    changed = configured(variants={"frequency_30x1": network})
    assert {variant for variant, _ in trained.lost(changed)} == {"frequency_30x1"}
    assert "pool [1, 80] -> [1, 70]" in trained.sentence(changed)


def test_only_trainings_of_the_run_count(trained):
    lost = trained.lost(configured(seed=7), ["time_1x200"])
    assert lost == [("time_1x200", fold) for fold in range(N_FOLDS)]
    # Fold 3 of 4 is new; models of a removed fold stay.
    assert trained.lost(configured(folds=4), ["time_1x60"]) == [("time_1x60", k) for k in range(3)]


def test_numbers_of_another_type_train_again(trained):
    assert trained.lost(configured(augmentation={"gain": 0.0})) == ALL


def test_replicas_matter_only_where_there_are_some(trained):
    table = trained.results.replicas
    table.write_text("first,second,score,verdict\n")
    assert trained.lost(configured(replicas="keep")) == []
    table.write_text("first,second,score,verdict\na,b,0.5,doubtful\n")
    assert trained.lost(configured(replicas="drop")) == []


def test_the_hop_matters_only_to_overlapping_segments(tmp_path):
    trained = Trained(tmp_path / "hop")
    trained.run(configured(sampling="overlapping"))
    assert trained.lost(configured(sampling="overlapping", sampling_hop=7)) == ALL


class TestRunsThatStoppedEarly:
    """The kept configuration is that of the last run, not of each training."""

    def test_a_run_without_trainings_hides_no_change(self, trained):
        trained.start(configured(folds=4))
        assert trained.lost(configured(folds=4)) == ALL
        assert trained.lost(configured()) == []

    def test_a_run_that_was_stopped_halfway_leaves_trainings_of_two_settings(self, trained):
        trained.run(configured(folds=4), ["time_1x60"])
        left = [one for one in ALL if one[0] != "time_1x60"]
        assert trained.lost(configured(folds=4)) == left
        # The model that starts from time_1x60 changes with it.
        back = [("time_1x60", k) for k in range(3)] + [("timefrequency_init", k) for k in range(3)]
        assert trained.lost(configured()) == back
        trained.start(configured(folds=5))
        trained.start(configured())
        assert trained.lost(configured()) == back

    def test_results_of_an_earlier_version_have_the_settings_of_their_last_run(self, trained):
        trained.start(configured())
        trained.results.trained.unlink()
        assert trained.lost(configured(folds=4)) == ALL
        assert trained.lost(configured()) == []


class TestDamage:
    @pytest.mark.parametrize(
        "content",
        [
            *(b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"seconds": NaN}'),
            b'{"seconds": 1, "n_epochs": 1}',
            b'{"seconds": "1", "n_epochs": 1, "checksum": ""}',
            b'{"seconds": 1e999, "n_epochs": 1, "checksum": ""}',
            b'{"seconds": 1, "n_epochs": 1' + b"0" * 400 + b', "checksum": ""}',
        ],
    )
    def test_a_damaged_record_is_no_finished_training(self, trained, content):
        for model in trained.results.models(["time_1x60"], N_FOLDS):
            model.fit.write_bytes(content)
        trained.start(configured())
        assert trained.lost(configured(seed=7), ["time_1x60"]) == []

    def test_a_training_without_weights_is_not_finished(self, trained):
        for model in trained.results.models(["time_1x60"], N_FOLDS):
            model.weights.unlink()
        assert trained.lost(configured(seed=7), ["time_1x60"]) == []

    @pytest.mark.parametrize(
        "content", ["", "[]", '{"models/time_1x60/fold-0": 1}', '{"models/time_1x60/fold-0": {}}']
    )
    def test_a_damaged_note_counts_as_none(self, trained, content):
        trained.results.trained.write_text(content)
        assert ("time_1x60", 0) in trained.lost(configured(folds=4))
        assert trained.lost(configured()) == []

    def test_without_any_note_only_the_records_are_compared(self, trained):
        trained.results.config.unlink()
        assert trained.lost(configured(folds=4)) == []
        assert trained.lost(configured(seed=7)) == ALL

    def test_hostile_values_do_not_reach_the_terminal(self, trained):
        (model, *_) = trained.results.models(["time_1x60"], N_FOLDS)
        fit = json.loads(model.fit.read_text()) | {"engine": "\x1b[2J" + "x" * 1000, "seed": [[1]]}
        model.fit.write_text(json.dumps(fit))
        sentence = trained.sentence(configured())
        assert sentence.isprintable() and len(sentence) < 600


def states(again):
    """The content of all results, without the log of Snakemake."""
    return {path: path.read_bytes() for path in again.results.rglob("*") if path.is_file()}


class TestRuns:
    def test_another_seed_stops_before_anything_changes(self, again):
        before = states(again)
        code, output = again.run("seed=7", *UP_TO_THE_TABLE, check=False)
        assert code != 0 and "Traceback" not in output and not finished(output)
        assert f"this run would replace 12 finished trainings in {DATA}, which took" in output
        assert "seed 2016 -> 7" in output and "--config name=" in output
        assert states(again) == before
        # Nor does --no-hooks, which leaves out `onstart`, replace anything.
        code, output = again.run("seed=7", "--no-hooks", check=False)
        assert code != 0 and "would replace 12 finished" in output and states(again) == before

    def test_a_dry_run_says_it_and_plans(self, again):
        output = again.run("folds=4", "-n", *UP_TO_THE_TABLE)
        assert "note: this run would replace 12 finished trainings" in output
        assert planned(output)["train"] == 16
        assert "would replace" not in again.run("listen_to=time_1x60", "-n")

    @pytest.mark.endurance
    def test_folds_that_a_run_made_without_training_hide_nothing(self, again):
        """The folds are those of the new seed then, and no training is of them."""
        assert again.data("folds=4")["assign_folds"] == 1
        next((again.folder / "audio").rglob("*.wav")).touch()
        code, output = again.run("folds=4", *UP_TO_THE_TABLE, check=False)
        assert code != 0 and "folds 3 -> 4" in output and "train" not in finished(output)

    def test_only_what_is_requested_counts(self, again):
        target = f"{DATA}/models/timefrequency_init/fold-1/fit.json"
        code, output = again.run("seed=7", "--", target, check=False)
        assert code != 0 and "would replace 3 finished trainings" in output
        again.run("seed=7", "--", f"{DATA}/tracks.csv")

    @pytest.mark.endurance
    def test_with_replace_it_trains_and_keeps_no_key(self, again):
        target = f"{DATA}/models/time_1x60/fold-0/fit.json"
        done = finished(again.run("seed=7", "replace=true", "--", target))
        assert done["train"] == 1
        assert json.loads((again.folder / "workflow" / target).read_text())["seed"] == 7
        assert "replace" not in (again.results / "config.yaml").read_text()
        # Not 12: without the key, which is no parameter of a rule, nothing else runs again.
        assert again.plan("seed=7")["train"] == 11

    def test_in_a_file_replace_is_refused(self, again):
        again.own.write_text(f"{again.own.read_text()}replace: true\nseed: 7\n")
        code, output = again.run(check=False)
        assert code != 0 and "replace is in a file or a profile" in output
