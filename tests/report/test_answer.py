"""The answer to the paper's question: intervals, tests and sentences, from known accuracies."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workflow_scripts.report import answer_figure, svg
from workflow_scripts.report.answer import Answer, kind_of, shapes_of
from workflow_scripts.report.answer_texts import sentences
from workflow_scripts.results import comparison, fixed_split

SHAPES = {
    "time_1x60": ("Time", 80, "(1, 60)"),
    "time_1x200": ("Time", 250, "(1, 200)"),
    "frequency_30x1": ("Frequency", 80, "(30, 1)"),
    "frequency_40x1": ("Frequency", 80, "(40, 1)"),
    "blackbox_12x8": ("Black-box", 80, "(12, 8)"),
    "blackbox_12x200": ("Black-box", 250, "(12, 200)"),
    "both": ("Time-Frequency", 80, "(1, 60)-(32, 1)"),
}
# Deviations of the folds from the mean; their mean is 0.
FOLDS = np.array([-2.0, -1, 0, 1, 2])


def table_of(shapes):
    rows = [(name, *shape) for name, shape in shapes.items()]
    return pd.DataFrame(rows, columns=["variant", "architecture", "input_frames", "filter"])


def pairs_of(means, significant):
    """One row per pair of these networks; significant are the sets of two names."""
    names = list(means)
    return pd.DataFrame(
        [
            {"first": a, "second": b, "difference": float(means[a] - means[b])}
            | {"p_holm": 0.01 if {a, b} in significant else 0.4}
            for number, a in enumerate(names)
            for b in names[number + 1 :]
        ]
    )


def answer_of(means, significant=(), systems=(("tempo_1nn", 50.0),), shapes=None):
    known = {name: (shapes or SHAPES)[name] for name in means}
    baselines = pd.DataFrame(
        [
            {"baseline": name, "fold": fold, "accuracy": mean + deviation}
            for name, mean in systems
            for fold, deviation in enumerate(FOLDS[::-1])
        ],
        columns=["baseline", "fold", "accuracy"],
    )
    return Answer.of(
        table_of(known),
        {name: list(mean + FOLDS) for name, mean in means.items()},
        baselines,
        pairs_of(means, significant),
        n_classes=8,
        test_share=1 / 3,
        level=0.05,
    )


class TestShapes:
    @pytest.mark.parametrize(
        ("cell", "shapes", "kind"),
        [
            ("(1, 60)", [(1, 60)], "time"),
            ("(32, 1)", [(32, 1)], "frequency"),
            ("(12, 8)", [(12, 8)], "rectangle"),
            ("(1, 1)", [(1, 1)], "point"),
            ("(1, 60)-(32, 1)", [(1, 60), (32, 1)], "several"),
            ("(1, 60)/(3, 3)-(32, 1)/(5, 1)", [(1, 60), (32, 1)], "several"),
            ("(12, 12)/(12, 12)", [(12, 12)], "rectangle"),
            ("(1, 60)-(3, 3)", [(1, 60), (3, 3)], "rectangle"),
            ("(1, 60)-(1, 1)", [(1, 60), (1, 1)], "point"),
        ],
    )
    def test_kinds(self, cell, shapes, kind):
        assert shapes_of(cell) == shapes and kind_of(shapes) == kind


class TestData:
    def test_intervals_are_those_of_the_corrected_t_distribution(self):
        data = answer_of({"time_1x60": 70.0}).data().set_index("name")
        variance = np.var(FOLDS, ddof=1) * (1 / 5 + 1 / 3)
        expected = math.sqrt(variance) * stats.t.ppf(0.975, 4)
        assert data.loc["time_1x60", "half_width"] == pytest.approx(expected)
        assert data.loc["time_1x60", "low"] == pytest.approx(70 - expected)
        assert data.loc["tempo_1nn", "high"] == pytest.approx(50 + expected)

    def test_ends_of_intervals_are_accuracies(self):
        data = answer_of({"time_1x60": 99.0, "time_1x200": 2.0}).data().set_index("name")
        assert data.loc["time_1x60", "high"] == 100 and data.loc["time_1x200", "low"] == 0
        assert data.loc["time_1x60", "half_width"] > 1

    def test_shapes_in_both_units(self):
        data = answer_of(dict.fromkeys(SHAPES, 50.0)).data().set_index("name")
        assert data.loc["time_1x60", "n_seconds"] == pytest.approx(60 * 1024 / 44100)
        assert data.loc["frequency_30x1", "share_of_bands"] == 0.75
        assert data.loc["both", ["n_frames", "m_bands", "n_seconds"]].isna().all()
        assert data.loc["chance", "accuracy_mean"] == 12.5
        assert list(data["kind"]) == [
            *("time", "time", "frequency", "frequency", "rectangle", "rectangle", "several"),
            *("baseline", "chance"),
        ]

    def test_tests_against_the_best_baseline_are_corrected_for_all_networks(self):
        means = {"time_1x60": 52.0, "time_1x200": 60.0}
        found = answer_of(means, systems=(("tempo_1nn", 50.0), ("most_probable_class", 20.0)))
        raw = []
        for mean in means.values():
            differences = mean + FOLDS - (50 + FOLDS[::-1])
            error = math.sqrt(np.var(differences, ddof=1) * (1 / 5 + 1 / 3))
            raw.append(2 * stats.t.sf(abs(differences.mean()) / error, 4))
        assert found.networks["p_baseline"].tolist() == pytest.approx([raw[0], 2 * raw[1]])


class TestAgainstTheBlackBox:
    def first(self, *args, **kwargs):
        return sentences(answer_of(*args, **kwargs))[0]

    def test_only_black_boxes_of_the_same_input_count(self):
        # 1x200 has another input than 12x8: two comparisons, not four.
        means = {"time_1x60": 80.0, "time_1x200": 80.0, "blackbox_12x8": 40.0}
        means |= {"blackbox_12x200": 40.0}
        both = [{"time_1x60", "blackbox_12x8"}, {"time_1x200", "blackbox_12x200"}]
        assert "are significantly more accurate in 2 of the 2 comparisons" in self.first(
            means, both
        )
        crossed = [{"time_1x60", "blackbox_12x200"}, {"time_1x200", "blackbox_12x8"}]
        assert self.first(means, crossed).startswith("No test shows that musically motivated")

    def test_better_worse_and_open(self):
        means = {"time_1x60": 80.0, "frequency_30x1": 20.0, "frequency_40x1": 50.0}
        means |= {"blackbox_12x8": 45.0}
        significant = [{"time_1x60", "blackbox_12x8"}, {"frequency_30x1", "blackbox_12x8"}]
        assert (
            "significantly more accurate in 1 and less accurate in 1 of the 3 comparisons with the "
            "black-box of the same input; no test distinguishes them in the other 1."
        ) in self.first(means, significant)

    def test_only_worse(self):
        means = {"time_1x60": 20.0, "frequency_30x1": 50.0, "blackbox_12x8": 80.0}
        sentence = self.first(means, [{"time_1x60", "blackbox_12x8"}])
        assert "significantly less accurate in 1 of the 2 comparisons" in sentence
        assert "more accurate" not in sentence

    @pytest.mark.parametrize(
        ("others", "unfair", "says"),
        [
            ([], ["time_1x60"], "This comparison is of networks with unequal budgets"),
            (["both"], ["time_1x60"], "1 of these comparisons is of networks with unequal"),
            (["both"], ["time_1x60", "both"], "These comparisons are of networks with unequal"),
            (["both", "frequency_30x1"], ["time_1x60", "both"], "2 of these comparisons are of"),
        ],
    )
    def test_comparisons_of_networks_that_were_trained_in_another_way(self, others, unfair, says):
        names = ["time_1x60", *others, "blackbox_12x8"]
        answer = replace(
            answer_of(dict.fromkeys(names, 50.0)),
            unfair={frozenset({name, "blackbox_12x8"}) for name in unfair},
        )
        assert says in sentences(answer)[0]
        assert "may come from training" not in sentences(replace(answer, unfair=()))[0]

    @pytest.mark.parametrize(
        ("mean", "significant", "says"),
        [
            (80.0, True, "time_1x60 is significantly more accurate than blackbox_12x8"),
            (20.0, True, "time_1x60 is significantly less accurate than blackbox_12x8"),
            (80.0, False, "No test distinguishes time_1x60 from blackbox_12x8"),
        ],
    )
    @pytest.mark.parametrize("black_box_first", [True, False])
    def test_one_comparison(self, mean, significant, says, black_box_first):
        means = {"time_1x60": mean, "blackbox_12x8": 50.0}
        if black_box_first:
            means = dict(reversed(means.items()))
        tested = [{"time_1x60", "blackbox_12x8"}] if significant else []
        assert self.first(means, tested).startswith(says)

    def test_without_a_black_box_or_a_motivated_network_it_stays_open(self):
        assert "whether these shapes help stays open" in self.first({"time_1x60": 50.0})
        only = self.first({"blackbox_12x8": 50.0})
        assert "whether they help stays open" in only and "Time" not in only


class TestLengthsAndHeights:
    def test_the_best_length_and_height_and_whether_tests_tell_them_from_others(self):
        means = {"time_1x60": 70.0, "time_1x200": 60.0}
        means |= {"frequency_30x1": 50.0, "frequency_40x1": 55.0}
        sentence = sentences(answer_of(means, [{"time_1x60", "time_1x200"}]))[0]
        assert (
            "Of the 2 Time networks, time_1x60 with n = 60 frames (1.4 s) has the highest mean "
            "accuracy (70.0 %), significantly above the other."
        ) in sentence
        assert (
            "Of the 2 Frequency networks, frequency_40x1 with m = 40 of 40 mel bands (100 %) has "
            "the highest mean accuracy (55.0 %), but no test distinguishes it from frequency_30x1."
        ) in sentence

    def test_a_significant_difference_from_some_is_not_one_from_all(self):
        shapes = {f"t{n}": ("Time", 80, f"(1, {n})") for n in (10, 20, 30, 40)}
        means = {"t10": 80.0, "t20": 70.0, "t30": 60.0, "t40": 50.0}

        def best(*others):
            found = answer_of(means, [{"t10", other} for other in others], shapes=shapes)
            return sentences(found)[0]

        assert "significantly above all others." in best("t20", "t30", "t40")
        assert "but no test distinguishes it from t20." in best("t30", "t40")
        assert "but no test distinguishes it from 2 others." in best("t40")
        assert "but no test distinguishes it from any other." in best()

    def test_one_network(self):
        sentence = sentences(answer_of({"time_1x60": 70.0}))[0]
        assert (
            "The only Time network has n = 60 frames (1.4 s); it is correct on 70.0 %" in sentence
        )


class TestAgainstBaselines:
    def second(self, means, **kwargs):
        return sentences(answer_of(means, **kwargs))[1]

    def test_more_and_less_accurate_networks(self):
        means = {"time_1x60": 80.0, "time_1x200": 20.0, "frequency_30x1": 50.5}
        assert self.second(means) == (
            "The best baseline, tempo 1-NN, predicts 50.0 % (chance: 12.5 %): 1 of the 3 networks "
            "is significantly more accurate; 1 is significantly less accurate; no test "
            "distinguishes the other 1 from it."
        )

    def test_all_networks(self):
        means = {"time_1x60": 80.0, "time_1x200": 85.0}
        assert self.second(means).endswith("2 of the 2 networks are significantly more accurate.")
        lower = self.second(dict.fromkeys(means, 20.0))
        assert "none of the 2 networks is significantly more accurate; 2 are" in lower
        alike = self.second(dict.fromkeys(means, 50.5))
        assert alike.endswith("no test distinguishes any of the 2 networks from it.")

    @pytest.mark.parametrize(
        ("mean", "says"),
        [
            (80.0, "the network is significantly more accurate."),
            (20.0, "the network is significantly less accurate."),
            (50.5, "no test distinguishes the network from it."),
        ],
    )
    def test_one_network(self, mean, says):
        assert self.second({"time_1x60": mean}).endswith(says)

    def test_no_baseline(self):
        sentence = self.second({"time_1x60": 50.0}, systems=())
        assert sentence == "There is no baseline to compare with; chance is 12.5 %."


class TestFigure:
    def texts(self, answer):
        document = svg.text_of(answer_figure.answer(answer), "answer")
        return document

    def test_panels_labels_and_units(self):
        document = self.texts(answer_of({name: 60.0 + n for n, name in enumerate(SHAPES)}))
        for text in ("Time: filter length n", "Frequency: filter height m", "Others"):
            assert f">{text}</text>" in document
        # Each point is labelled, and so are the baseline and chance.
        for text in ("60.0", "66.0", "tempo 1-NN 50.0", "chance 12.5", "blackbox_12x8", "both"):
            assert f">{text}</text>" in document, text
        for text in ("1.4 s", "60", "4.6 s", "200", "30", "75", "100"):
            assert f">{text}</text>" in document, text

    @pytest.mark.parametrize("name", SHAPES)
    def test_one_network(self, name):
        document = self.texts(answer_of({name: 50.0}, systems=()))
        assert ">50.0</text>" in document

    def test_many_networks_some_of_the_same_shape(self):
        rng = np.random.default_rng(0)
        shapes = {}
        for number in range(50):
            m, n = rng.choice([1, 1, 7, 40]), rng.choice([1, 8, 60, 61])
            shapes[f"v{number}"] = ("Black-box", 80, f"({m}, {n})")
        means = {name: float(rng.uniform(5, 95)) for name in shapes}
        document = self.texts(answer_of(means, shapes=shapes))
        assert ">Best 6 of " in document.replace("best 6", "Best 6")
        assert document.count("best: ") == 2, "of lengths and of heights"

    def test_accuracies_without_spread(self):
        means = {"time_1x60": 0.0, "frequency_40x1": 100.0}
        numbers = answer_of(means)
        flat = pd.DataFrame({"name": [], "accuracy_mean": [], "half_width": []})
        still = Answer(numbers.networks.assign(half_width=0.0), flat, numbers.pairs, 50.0, 0.05)
        assert "chance 50.0" in self.texts(still)


def test_the_verdicts_are_those_of_the_comparisons_of_the_page():
    """With real comparisons, the answer repeats what the table of pairs says."""
    rng = np.random.default_rng(1)
    labels = np.array(["a", "b"] * 10, object)
    predictions = {}
    for name, share in (("time_1x60", 0.98), ("blackbox_12x8", 0.3), ("frequency_30x1", 0.35)):
        predictions[name] = []
        for fold in range(5):
            right = rng.random(20) < share
            other = np.where(labels == "a", "b", "a")
            ids = [f"{fold}/{number}" for number in range(20)]
            columns = {
                "track_id": ids,
                "label": labels,
                "predicted": np.where(right, labels, other),
            }
            predictions[name].append(pd.DataFrame(columns))
    pairs = comparison.pairs(predictions, 1 / 3)
    accuracies = {
        name: [100 * float((fold["label"] == fold["predicted"]).mean()) for fold in folds]
        for name, folds in predictions.items()
    }
    found = Answer.of(
        table_of({name: SHAPES[name] for name in predictions}),
        accuracies,
        pd.DataFrame({"baseline": [], "fold": [], "accuracy": []}),
        pairs,
        n_classes=2,
        test_share=1 / 3,
        level=0.05,
    )
    p = {frozenset((r.first, r.second)): r.p_holm for r in pairs.itertuples()}
    assert p[frozenset(("time_1x60", "blackbox_12x8"))] < 0.05
    assert p[frozenset(("frequency_30x1", "blackbox_12x8"))] > 0.05
    assert "significantly more accurate in 1 of the 2 comparisons" in sentences(found)[0]


@pytest.mark.parametrize(
    ("accuracies", "verdict"),
    [
        ({"time_1x60": 70.0, "frequency_30x1": 50.0}, "1 of the 2 networks is more accurate; with"),
        ({"time_1x60": 50.0, "frequency_30x1": 50.0}, "none of the 2 networks is more accurate;"),
        (
            {"time_1x60": 70.0},
            "the network is more accurate; with a fixed split this is not tested",
        ),
        ({"time_1x60": 60.0}, "the network is not more accurate; with a fixed split this is not"),
    ],
)
def test_a_fixed_split_has_intervals_and_no_test_against_a_baseline(accuracies, verdict):
    found = Answer.of(
        table_of({name: SHAPES[name] for name in accuracies}),
        {name: [accuracy] for name, accuracy in accuracies.items()},
        pd.DataFrame({"baseline": ["tempo_1nn"], "fold": [0], "accuracy": [60.0]}),
        pd.DataFrame(),
        n_classes=2,
        test_share=None,
        n_test=50,
        level=0.05,
    )
    assert verdict in sentences(found)[1]
    data = found.data().set_index("name")
    assert np.isnan(data.loc["time_1x60", "half_width"])
    for name, accuracy in {**accuracies, "tempo_1nn": 60.0}.items():
        ends = fixed_split.interval(accuracy, 50)
        assert tuple(data.loc[name, ["low", "high"]]) == pytest.approx(ends)
