"""What the page says first: a winner only if budgets, curves and tests allow it."""

import re

import pandas as pd
import pytest

from tests.evidence import FLAT, RISING, evidence, table, tracks
from tests.runs import DATA
from workflow_scripts.report.headline import differences_sentence, headline

GOOD, BAD = [0.9, 0.88, 0.92, 0.9, 0.9], [0.5, 0.52, 0.5, 0.5, 0.48]
CLOSE = [0.92, 0.86, 0.92, 0.87, 0.91]


def said(shares, **changes):
    own = evidence(shares, **changes)
    return headline(table(own), own)


def test_a_winner_that_tests_tell_from_all_rivals_is_named():
    assert said({"bad": BAD, "good": GOOD, "worse": [0.3, 0.3, 0.32, 0.28, 0.3]}) == (
        "good is the most accurate of 3 networks, and tests distinguish it from each of the "
        "others: it predicts 90.0 % of the test tracks correctly (± 1.1 over 5 folds)."
    )


def test_no_winner_if_no_test_tells_it_from_a_rival():
    sentence = said({"x": GOOD, "y": CLOSE, "z": BAD})
    assert sentence.startswith(
        "No test distinguishes the most accurate of 3 networks, x, which predicts"
    )
    assert "from 1 other, down to y with 89.7 %." in sentence
    assert "tests distinguish it" not in sentence


def test_all_networks_are_alike():
    assert said({"x": GOOD, "y": CLOSE}).startswith(
        "The two networks do not differ significantly from the most accurate of them: they predict "
        "89.7 to 90.0 % of the test tracks correctly."
    )
    assert said({"x": GOOD, "y": CLOSE, "z": CLOSE}).startswith("The 3 networks do not differ")


@pytest.mark.parametrize("curve", [FLAT[:2], RISING])
def test_networks_that_have_not_converged_are_not_ranked(curve):
    settings = {v: {"max_epochs": len(curve)} for v in ("good", "bad")}
    sentence = said(
        {"good": GOOD, "bad": BAD}, curves=dict.fromkeys(settings, curve), training=settings
    )
    assert sentence.startswith(
        "The 2 networks cannot be ranked: none of them is known to have converged. They predict "
        "50.0 to 90.0 % of the test tracks correctly."
    )
    assert "good" not in sentence


def test_no_ranking_if_the_best_network_has_not_converged():
    sentence = said({"good": GOOD, "bad": BAD, "worse": BAD}, curves={"good": RISING})
    assert "cannot be ranked: 1 of them is not known to have converged." in sentence


def test_unequal_budgets_are_not_ranked():
    sentence = said({"good": GOOD, "bad": BAD}, training={"bad": {"max_epochs": 15}},
                    curves={"bad": FLAT[:15]})  # fmt: skip
    assert "cannot be ranked: their max_epochs differ (15 to 20)." in sentence


def test_a_winner_among_networks_that_can_be_compared():
    sentence = said(
        {"good": GOOD, "bad": BAD, "short": BAD, "rises": BAD},
        training={"short": {"max_epochs": 15}},
        curves={"short": FLAT[:15], "rises": RISING},
    )
    assert sentence.startswith("good is the most accurate of the 2 networks that can be compared,")
    assert "Not compared: rises (not known to have converged) and short (another max_epochs)." in (
        sentence
    )


def test_networks_no_better_than_chance():
    assert said({"x": [0.25] * 5, "y": [0.2] * 5}).startswith(
        "None of the 2 networks is better than chance in a test: the most "
        "accurate predicts 25.0 % of the test tracks correctly (± 0.0 over 5 folds), always "
        "predicting the largest class 25.0 %."
    )


def test_one_network():
    assert said({"x": GOOD}) == (
        "x predicts 90.0 % of the test tracks correctly (± 1.1 over 5 folds)."
    )
    assert "(± 1.1 over 5 folds), but it is not known to have converged." in (
        said({"x": GOOD}, curves={"x": RISING})
    )
    assert "no test distinguishes this from always predicting the largest class, 25.0 %." in (
        said({"x": [0.25] * 5})
    )


class TestDifferences:
    def said(self, *p_holm, curves=None, training=None):
        names = [("x", "y"), ("x", "z")][: len(p_holm)]
        rows = [
            {"first": first, "second": second, "difference": -10.0 * (1 + number), "p_holm": p}
            for number, ((first, second), p) in enumerate(zip(names, p_holm, strict=True))
        ]
        shares = {"x": GOOD, "y": GOOD, "z": GOOD}
        trainings = evidence(shares, curves, training, of=tracks(n=50)).trainings
        return differences_sentence(pd.DataFrame(rows), trainings)

    def test_no_pair(self):
        assert self.said() == ""

    def test_no_significant_difference(self):
        assert self.said(0.2, 1).startswith("None of the 2 pairs")

    def test_significant_differences(self):
        sentence = self.said(0.01, 0.02)
        assert sentence.startswith("2 of the 2 pairs")
        assert "The largest difference: z is 20.0 points better than x. Do not" in sentence
        assert "training" not in sentence

    def test_one_pair(self):
        assert self.said(0.2).startswith("The two networks do not differ significantly")
        assert self.said(0.01).endswith(": y is 10.0 points better than x.")
        assert self.said(0.01, 0.2).startswith("1 of the 2 pairs of networks differs")
        assert self.said(0.01, curves={"y": RISING}).endswith(
            "This pair has networks with unequal budgets of epochs or that are not known to have "
            "converged: such a difference may come from training."
        )

    def test_differences_that_may_come_from_training_are_counted_apart(self):
        sentence = self.said(0.01, 0.01, curves={"z": RISING})
        assert "1 of these pairs has networks with unequal budgets" in sentence
        assert "The largest difference of the others: y is 10.0 points better than x." in sentence

    def test_all_differences_may_come_from_training(self):
        sentence = self.said(
            0.01, 0.01, curves={"x": FLAT[:15]}, training={"x": {"max_epochs": 15}}
        )
        assert "z is 20.0 points better than x. Both pairs have networks with unequal" in sentence
        assert "This pair has networks" in self.said(0.01, 0.9, curves={"y": RISING})


def test_two_epochs_make_no_winner(done):
    """The finished run is of the smoke preset."""
    folder = done[0] / "workflow" / DATA
    page = (folder / "report.html").read_text(encoding="utf-8")
    (lead,) = re.findall(r"The \d+ networks cannot be ranked: [^<]*", page)
    assert "none of them is known to have converged" in lead
    variants = pd.read_csv(folder / "table1.csv")["variant"]
    assert not [v for v in variants if v in lead]
    assert "is the most accurate" not in page
    assert "Training ended at max_epochs after 2 epochs" in (folder / "table1.md").read_text()
