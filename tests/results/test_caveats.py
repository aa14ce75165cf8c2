"""The caveats of a table: each rule on a case that has it and on one that has not."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.evidence import (
    FLAT,
    RISING,
    evidence,
    fit,
    history,
    predicted,
    tracks,
)
from workflow_scripts.dataset import replicas
from workflow_scripts.results import comparison_notes, notes, training_notes
from workflow_scripts.results.caveats import caveats
from workflow_scripts.results.trainings import Trainings

# A clear winner, and two networks that hardly differ.
CLEAR = {"good": [0.9, 0.88, 0.92, 0.9, 0.9], "bad": [0.5, 0.52, 0.5, 0.5, 0.48]}
CLOSE = {"x": [0.9, 0.8, 0.9, 0.8, 0.9], "y": [0.8, 0.9, 0.8, 0.9, 0.8]}


def trainings(curves, n_folds=3, **training):
    """`curves` is one for all trainings of a variant; settings are by variant."""
    keys = [(v, k) for v in curves for k in range(n_folds)]
    fits = [fit(v, k, **training.get(v, {})) for v, k in keys]
    return Trainings.of(fits, [history(curves[v]) for v, _ in keys])


def test_sound_results_have_no_caveat():
    assert caveats(evidence(CLEAR)) == []


class TestBudgets:
    def test_different_numbers_of_epochs(self):
        found = trainings({"box": FLAT[:15], "x": FLAT, "y": FLAT}, box={"max_epochs": 15})
        sentence = training_notes.unequal_budgets(found)
        assert "max_epochs is 15 for box; 20 for x, y." in sentence
        assert sentence.endswith("although all validation curves have flattened.")
        assert not found.comparable("box", "x") and found.comparable("x", "y")
        rising = trainings({"box": FLAT[:15], "x": RISING}, box={"max_epochs": 15})
        assert training_notes.unequal_budgets(rising).endswith("may come from their training.")

    def test_equal_budgets(self):
        assert training_notes.unequal_budgets(trainings({"x": FLAT, "y": FLAT})) == ""

    def test_a_budget_that_was_not_used_up_is_no_disadvantage(self):
        """The learning rate ended the trainings of the network with the smaller budget."""
        found = trainings({"x": FLAT[:15], "y": FLAT}, y={"max_epochs": 100}, x={"max_epochs": 30})
        assert training_notes.unequal_budgets(found) == "" and found.comparable("x", "y")

    def test_one_training_that_used_its_smaller_budget_up_is_enough(self):
        fits = [fit("x", k, max_epochs=15) for k in range(3)] + [fit("y", k) for k in range(3)]
        curves = [FLAT[:13], FLAT[:15], FLAT[:13], *[FLAT] * 3]
        found = Trainings.of(fits, list(map(history, curves)))
        assert training_notes.unequal_budgets(found)

    def test_many_networks_are_cut_short(self):
        curves = {f"n{i}": FLAT[: 12 + i % 2] for i in range(40)}
        settings = {v: {"max_epochs": len(curve)} for v, curve in curves.items()}
        sentence = training_notes.unequal_budgets(trainings(curves, **settings))
        assert "12 for n0, n2, n4, n6, n8 and 15 more; 13 for the 20 others." in sentence
        each = {f"n{i}": FLAT[: 12 + i % 8] for i in range(40)}
        settings = {v: {"max_epochs": len(curve)} for v, curve in each.items()}
        assert len(training_notes.unequal_budgets(trainings(each, **settings))) < 400

    def test_other_settings(self):
        found = trainings({"x": FLAT, "y": FLAT}, y={"learning_rate": 0.02, "max_epochs": 30})
        assert training_notes.other_settings(found) == (
            "Networks were trained with different settings: learning_rate (0.01 for x; 0.02 for y)."
        )
        balanced = trainings({"x": FLAT, "y": FLAT}, y={"class_weights": "balanced"})
        assert "class_weights (none for x; balanced for y)" in training_notes.other_settings(
            balanced
        )
        same = trainings({"x": FLAT, "y": FLAT}, y={"max_epochs": 30})
        assert training_notes.other_settings(same) == ""


class TestConvergence:
    def test_networks_whose_curves_rise_are_named_with_the_number_of_trainings(self):
        fits = [fit(v, k) for v in ("x", "y") for k in range(3)]
        curves = [RISING, RISING, FLAT, FLAT, FLAT, FLAT]
        found = Trainings.of(fits, list(map(history, curves)))
        sentence = training_notes.still_rising(found)
        assert "x (2 of 3)" in sentence and "y" not in sentence.split(":")[1]
        assert training_notes.still_rising(trainings({"x": FLAT})) == ""

    def test_no_warning_if_the_learning_rate_ended_the_training(self):
        ended = trainings({"x": RISING}, x={"max_epochs": 2000})
        assert training_notes.still_rising(ended) == "" and ended.unconverged == []
        early = trainings({"x": RISING[:3]}, x={"max_epochs": 2000})
        assert training_notes.few_epochs(early) == ""

    def test_few_epochs(self):
        found = trainings({"x": FLAT, "y": FLAT[:2]}, y={"max_epochs": 2})
        assert training_notes.few_epochs(found) == (
            "Training ended at max_epochs after 2 epochs, too few to show whether it had converged "
            "(at least 12 are needed): y. Raise training.max_epochs."
        )
        assert training_notes.few_epochs(trainings({"x": FLAT})) == ""
        smoke = trainings({"x": FLAT[:1]}, x={"max_epochs": 1})
        assert "after 1 epoch, too" in training_notes.few_epochs(smoke)
        assert "needed): x." in training_notes.few_epochs(smoke)
        two = trainings({"x": FLAT[:1], "y": FLAT[:1]}, x={"max_epochs": 1}, y={"max_epochs": 1})
        assert "needed): all networks." in training_notes.few_epochs(two)


class TestChance:
    def test_the_p_value_is_that_of_the_binomial_distribution(self):
        of = tracks(n_folds=3, n=4)
        # 3 + 2 + 1 of 12 tracks; the largest of four equal classes has 3.
        found = comparison_notes.against_chance("x", {"x": predicted(of, [0.75, 0.5, 0.25])}, of)
        assert (found.accuracy, found.constant) == (50, 25)
        assert found.p == pytest.approx(stats.binom.sf(5, 12, 0.25))
        assert not found.is_beaten
        sentence = comparison_notes.not_told_from_chance("x", found, 1)
        assert sentence.startswith(
            "No test distinguishes x from always predicting the largest class: "
        )
        assert "50.0 % of the test tracks against 25.0 % (exact binomial test" in sentence

    def test_the_best_of_several_networks_needs_a_smaller_p_value(self):
        of = tracks(n_folds=3, n=4)
        tables = {v: predicted(of, [0.75, 0.5, 0.5]) for v in "xyz"}
        one = comparison_notes.against_chance("x", {"x": tables["x"]}, of)
        three = comparison_notes.against_chance("x", tables, of)
        assert three.p == pytest.approx(3 * one.p) and one.is_beaten and three.is_beaten
        ten = {f"{i}": tables["x"] for i in range(10)}
        adjusted = comparison_notes.against_chance("0", ten, of)
        assert not adjusted.is_beaten
        assert "adjusted for choosing the best of 10" in comparison_notes.not_told_from_chance(
            "0", adjusted, 10
        )

    def test_a_good_network_is_told_from_chance(self):
        of = evidence(CLEAR)
        assert of.best == "good" and of.chance.is_beaten
        assert comparison_notes.not_told_from_chance("good", of.chance, 2) == ""

    def test_a_network_that_predicts_the_largest_class_only_is_not(self):
        """It has 80 %, far more than 1 / (number of classes)."""
        of = tracks(n_folds=5, n=50, labels=(["a"] * 4 + ["b"]) * 50)
        constant = [own.assign(predicted="a") for own in predicted(of, [0] * 5)]
        found = comparison_notes.against_chance("x", {"x": constant}, of)
        assert found.accuracy == found.constant == 80 and not found.is_beaten

    def test_a_track_that_several_models_predict_counts_once(self):
        of = tracks(n_folds=3, n=4)
        once = predicted(of, [0.75, 0.5, 0.25])
        assert comparison_notes.against_chance("x", {"x": once * 9}, of) == (
            comparison_notes.against_chance("x", {"x": once}, of)
        )

    def test_one_class(self):
        of = tracks(n_folds=3, n=4, labels=["a"] * 12)
        found = comparison_notes.against_chance("x", {"x": predicted(of, [1, 1, 1])}, of)
        assert found.p == 1 and not found.is_beaten


class TestRivals:
    def test_rivals_that_no_test_tells_from_the_best_are_named(self):
        of = evidence(CLOSE | {"z": [0.2, 0.22, 0.2, 0.2, 0.18]})
        assert comparison_notes.rivals(of.pairs, "x") == ["y"]
        assert comparison_notes.not_told_from_rivals(of.pairs, "x") == (
            "No test distinguishes x, the best network, from 1 of its 2 rivals: y (corrected "
            "resampled t-test over folds, Holm's correction for 3 pairs, level 0.05)."
        )

    def test_the_most_similar_rival_comes_first_on_either_side_of_a_pair(self):
        rows = [("a", "x", 0.9, -9.0), ("x", "b", 0.9, 3.0), ("c", "x", 0.01, -40.0)]
        pairs = pd.DataFrame(rows, columns=["first", "second", "p_holm", "difference"])
        assert comparison_notes.rivals(pairs, "x") == ["b", "a"]

    def test_a_clear_winner_has_none(self):
        of = evidence(CLEAR)
        assert comparison_notes.not_told_from_rivals(of.pairs, "good") == ""

    def test_one_network_has_none(self):
        of = evidence({"x": CLEAR["good"]})
        assert comparison_notes.not_told_from_rivals(of.pairs, "x") == ""

    def test_an_unknown_p_value_tells_nothing(self):
        pairs = pd.DataFrame({"first": ["x"], "second": ["y"], "p_holm": np.nan, "difference": 9.0})
        assert comparison_notes.rivals(pairs, "x") == ["y"]

    def test_equal_differences_of_few_folds_do_not_make_a_winner(self):
        """Three test tracks, one a fold: all correct against none."""
        of = evidence({"x": [1, 1, 1], "y": [0, 0, 0]}, of=tracks(n_folds=3, n=1, labels=[*"abc"]))
        assert comparison_notes.rivals(of.pairs, "x") == ["y"]


class TestTestTracks:
    def test_few_tracks(self):
        assert comparison_notes.few_test_tracks(tracks(n=16)) == (
            "Each fold tests only 16 tracks: one track is worth 6.2 points of the accuracy of a "
            "fold."
        )
        assert "only 1 track: one track is worth 100.0 points" in (
            comparison_notes.few_test_tracks(tracks(n=1))
        )

    def test_the_smallest_fold_counts(self):
        of = tracks(n_folds=2, n=60)
        of.fold[:20] = 1
        assert "40 to 80 tracks: one track is worth 2.5 points of the accuracy of the smallest" in (
            comparison_notes.few_test_tracks(of)
        )

    def test_enough_tracks(self):
        assert comparison_notes.few_test_tracks(tracks(n=50)) == ""

    def test_classes_that_a_fold_does_not_validate(self):
        of = tracks(n_folds=3, n=4, labels=[*"aabb", *"aabb", *"aaaa"])
        sentence = notes.lacking_in_validation(of, "tracks")
        assert sentence.startswith("No validation track: fold 1 has none of b.")
        assert notes.lacking_in_validation(of, "segments") == "", "segments are of all folds"
        assert notes.lacking_in_validation(tracks(), "tracks") == ""


def test_all_caveats_in_the_order_of_importance():
    of = tracks(n_folds=3, n=4, labels=[*"aAbb", *"aAbb", *"aAAA"])
    of.digest[0] = of.digest[1]
    rows = [("t0", "t4", 0.95, "same sound"), ("t0", "t5", 0.91, "doubtful")]
    rows.append(("t0", "t1", 1.0, "same file"))
    pairs = pd.DataFrame(rows, columns=replicas.COLUMNS)
    exploded = fit("x", 0, max_epochs=2, learning_rate=0.5)
    exploded["explosion"] = {"epoch": 1, "loss": 1e9}
    own = evidence(
        {"x": [0.5] * 3, "y": [0.25] * 3, "z": [0.25] * 3},
        curves={"x": FLAT[:2], "y": RISING},
        training={"x": {"max_epochs": 2, "learning_rate": 0.5}},
        of=of,
        never_predicted={"x": ["b"], "y": [], "z": []},
        replicas=pairs,
        n_skipped=1,
        dataset="demo",
    )
    own.fits[0] = exploded
    object.__setattr__(of, "n_truncated", 1)
    starts = [
        "The training of x diverged",
        "Training budgets differ",
        "Training ended at max_epochs after 2 epochs",
        "The validation accuracy was still rising",
        "No test distinguishes x, the best network, from always",
        "No test distinguishes x, the best network, from any of its 2 rivals",
        "Each fold tests only 4 tracks",
        "1 pair of tracks is of the same recording in different folds",
        "2 tracks have the same audio as a track of another class",
        "No test track: fold 2 has none of b",
        "No validation track: fold 1 has none of b",
        "x never predicts b",
        "1 track was skipped",
        "1 truncated track is used",
        "The demo's music is synthetic",
        "1 pair of tracks is treated as different recordings",
        "Classes whose names differ only",
        "Networks were trained with different settings: learning_rate",
        "1 pair of tracks is of the same recording, in one fold",
    ]
    found = caveats(own)
    assert [s[: len(start)] for s, start in zip(found, starts, strict=True)] == starts


def test_hostile_names_and_many_networks_and_classes():
    labels = [f"<b>{i:03d}&" for i in range(300)]
    of = tracks(n_folds=3, n=100, labels=labels)
    shares = {f"net,{i}; x": [0.5, 0.4, 0.5] for i in range(40)}
    curves = dict.fromkeys(shares, RISING)
    for sentence in caveats(evidence(shares, curves=curves, of=of)):
        assert len(sentence) < 600, sentence
