"""How runs differ in configuration, networks, software and training budgets."""

import numpy as np
import pytest

from tests.conftest import overlay, shipped_config
from tests.finished_runs import EPOCHS, history, two_variants
from workflow_scripts.results import run_settings
from workflow_scripts.results.runs import Repeat, Run
from workflow_scripts.workflow import configuration
from workflow_scripts.workflow.training_settings import training_of


def run(name, fit=None, rise=0, **changes):
    """A run with two networks; `fit` replaces keys of each fit.json, curves rise by `rise`."""
    config = overlay(shipped_config(), two_variants(**changes))
    configuration.complete(config)
    config["name"] = name
    fits, histories = {}, {}
    for variant in config["variants"]:
        training = training_of(config, variant)
        own = {
            "engine": config["engine"],
            "training": training,
            "versions": {"python": "3.11", "mxnet": "1.9"},
            "device": "cpu",
            "commit": "a" * 40,
            "uncommitted_changes": False,
            "digests": {"code": "c" * 64},
            "seconds": 30.0,
            "n_train_segments": 100,
            "n_epochs": EPOCHS,
            "best_epoch": 1,
        }
        fits[variant] = [overlay(own, {"variant": variant} | (fit or {}))]
        histories[variant] = [history(rise)[: fits[variant][0]["n_epochs"]]]
    correct = {variant: np.ones(3, bool) for variant in fits}
    return Run(name, config, [Repeat(1, None, correct, fits, histories)])


def differences(*runs):
    return {row.key: row.values for row in run_settings.differences(runs)}


class TestFrontEnd:
    def test_another_one_is_named(self):
        runs = [run("a"), run("b", front_end={"hop_size": 512, "compression": None}), run("c")]
        assert run_settings.front_end_sentences(runs) == [
            "b has another front end than a (hop_size 512, not 1024, compression null, not "
            "10000.0): the same numbers of frames and bands may be other seconds and frequencies."
        ]

    def test_null_is_half_the_sampling_rate(self):
        assert not run_settings.front_end_sentences(
            [run("a"), run("b", front_end={"max_frequency": 22050})]
        )


class TestConfiguration:
    def test_the_same_settings_do_not_differ(self):
        assert differences(run("a"), run("b")) == {}

    def test_keys_that_change_no_result_are_left_out(self):
        assert differences(run("a"), run("b", folds_per_job="all", trainings_per_gpu=3)) == {}

    def test_nested_keys_have_dotted_names_and_values_as_yaml(self):
        changed = run(
            "b",
            training={"dropout": 0.25},
            sampling="onset",
            ballroom={"audio_urls": ["http://x/y"]},
        )
        found = differences(run("a"), changed)
        assert found["training.dropout"] == ["0.5", "0.25"]
        assert found["sampling"] == ["contiguous", "onset"]
        assert found["ballroom.audio_urls"][1] == "['http://x/y']"
        assert list(found) == ["ballroom.audio_urls", "sampling", "training.dropout"]

    def test_a_setting_that_only_one_variant_has(self):
        changed = run("b", variants={"time_1x60": {"training": {"max_epochs": 9}}})
        key = "variants.time_1x60.training.max_epochs"
        assert differences(run("a"), changed) == {key: ["not set", "9"]}

    def test_a_network_that_a_run_lacks_is_one_difference(self):
        fewer = run("b", variants={"time_1x60": None})
        assert differences(run("a"), fewer, run("c")) == {
            "variants.time_1x60": ["a network", "no such network", "a network"]
        }

    def test_text_that_looks_like_another_value_is_quoted(self):
        found = differences(run("a"), run("b", group_by="null"))
        assert found == {"group_by": ["null", "'null'"]}


class TestNetworks:
    def test_another_filter_under_the_same_name(self):
        runs = [
            run("a"),
            run("b", variants={"time_1x60": {"trunks": {"time": {"filter": [1, 80]}}}}),
        ]
        same = run_settings.same_networks(runs)
        assert same == {"time_1x60": [True, False], "frequency_32x1": [True, True]}
        (sentence,) = run_settings.network_sentences(runs)
        assert sentence.startswith("time_1x60 is another network in b than in a, under the same")
        (key,) = differences(*runs)
        assert key == "variants.time_1x60.trunks.time.filter"

    def test_a_network_that_starts_from_another_one(self):
        def started(height):
            config = shipped_config()["variants"]
            donor = {"trunks": {"frequency": {"filter": [height, 1]}}}
            own = config["timefrequency_init"]
            both = {"time": {"filter": [1, 60], "pool": [40, 1]}}
            both["frequency"] = {"filter": [height, 1], "pool": [1, 80]}
            return {"frequency_32x1": donor, "timefrequency_init": own | {"trunks": both}}

        runs = [run("a", variants=started(32)), run("b", variants=started(34))]
        assert run_settings.same_networks(runs)["timefrequency_init"] == [True, False]

    def test_another_training_is_the_same_network(self):
        runs = [run("a"), run("b", variants={"time_1x60": {"training": {"dropout": 0.1}}})]
        assert run_settings.network_sentences(runs) == []


class TestBudgets:
    def test_equal_budgets_are_not_mentioned(self):
        assert run_settings.budget_sentences([run("a"), run("b")]) == []

    def test_more_epochs(self):
        longer = run("b", variants={"time_1x60": {"training": {"max_epochs": 4 * EPOCHS}}})
        (sentence,) = run_settings.budget_sentences([run("a"), longer])
        assert sentence.startswith(
            "Unequal training: time_1x60 could take 4 times as many training steps in b as in a,"
        )

    def test_more_segments_are_more_steps(self):
        """Overlapping sampling trains longer in the same number of epochs."""
        (sentence,) = run_settings.budget_sentences([run("a"), run("b", {"n_train_segments": 390})])
        assert "all networks could take 3.9 times as many" in sentence

    def test_a_larger_batch_takes_fewer_steps(self):
        (sentence,) = run_settings.budget_sentences(
            [run("a"), run("b", training={"batch_size": 50})]
        )
        assert "could take 0.2 times as many training steps in b as in a" in sentence

    def test_trainings_that_ended_before_the_limit_are_not_mentioned(self):
        early = {"n_epochs": 15}
        longer = run("b", early, training={"max_epochs": 4 * EPOCHS})
        assert run_settings.budget_sentences([run("a", early), longer]) == []

    @pytest.mark.parametrize(
        ("rises", "where"), [((1, 0), "a"), ((0, 1), "b"), ((1, 1), "a and b")]
    )
    def test_curves_that_rise_when_max_epochs_ends_the_training(self, rises, where):
        runs = [run(name, rise=rise) for name, rise in zip("ab", rises, strict=True)]
        (sentence,) = run_settings.budget_sentences(runs)
        assert sentence.startswith(
            f"Not converged in {where}: the validation curves of all networks have"
        )

    def test_too_few_epochs_to_tell(self):
        few = run("b", {"n_epochs": 5}, training={"max_epochs": 5})
        sentences = run_settings.budget_sentences([run("a"), few])
        assert sentences[-1].startswith("Not converged in b: ")


class TestSoftware:
    def rows(self, *runs):
        return {row.key: row.values for row in run_settings.software(runs)}

    def test_only_the_time_is_always_shown(self):
        assert self.rows(run("a"), run("b")) == {"minutes of all trainings": ["1.0", "1.0"]}

    def test_another_engine(self):
        changed = run("b", {"versions": {"torch": "2"}, "device": "H100"}, engine="torch")
        del changed.fits[0]["versions"]["mxnet"], changed.fits[1]["versions"]["mxnet"]
        found = self.rows(run("a"), changed)
        assert found["engine"] == ["mxnet", "torch"]
        assert found["mxnet"] == ["1.9", "none"] and found["torch"] == ["none", "2"]
        assert found["device"] == ["cpu", "H100"]
        assert "python" not in found and "commit" not in found

    def test_all_commits_of_a_run_are_named(self):
        mixed = run("b")
        mixed.fits[0]["commit"], mixed.fits[1]["uncommitted_changes"] = None, True
        (row,) = [row for row in run_settings.software([run("a"), mixed]) if row.key == "commit"]
        assert row.values == ["a" * 10, f"unknown and {'a' * 10} with uncommitted changes"]
