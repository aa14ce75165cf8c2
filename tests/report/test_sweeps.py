"""The figure, the sentences and the section of a sweep."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.fake_results import FakeResults
from workflow_scripts.report import svg, sweep_figure, sweep_texts
from workflow_scripts.report.line_labels import Label
from workflow_scripts.report.palette import GREY
from workflow_scripts.results import sweep_table
from workflow_scripts.steps import report

# Deviations of the folds from the mean; their mean is 0.
FOLDS = np.array([-2.0, -1, 0, 1, 2])
LENGTH = "trunks.time.filter.1"
CHANCE = [Label(12.5, "chance 12.5", GREY)]


def sweep_of(means, key=LENGTH, folds=FOLDS, unconverged=()):
    """The rows of a sweep, mean accuracy by value, and the accuracies of their folds."""
    own = {f"v{n}": list(mean + np.roll(folds, n)) for n, mean in enumerate(means.values())}
    sweeps = {"own": {"base": "v0", "key": key, "rows": dict(zip(own, means, strict=True))}}
    rows = sweep_table.table(sweeps, own, n_seeds=1, test_share=1 / 3, unconverged=unconverged)
    return rows, own


def finding(means, key=LENGTH, unfair=(), **options):
    rows, own = sweep_of(means, key, **options)
    trainings = SimpleNamespace(comparable=lambda _, other: other not in unfair)
    return sweep_texts.finding(rows, own, 1 / 3, trainings)


class TestFinding:
    def test_no_difference(self):
        assert finding({8: 50.0, 60: 50.5, 78: 50.2}) == (
            "Of 3 values of n, 60 has the highest mean accuracy (50.5 %; the others 50.0 to 50.2), "
            "but no test distinguishes it from any other. No test shows that accuracy rises or "
            "falls with n (p = 0.88)."
        )

    def test_a_tie(self):
        text = finding({8: 50.0, 60: 50.0, 78: 20.0})
        assert text.startswith(
            "Of 3 values of n, 8, 60 have the highest mean accuracy (50.0 %; the others 20.0), "
            "significantly above 78; no test distinguishes 8 from 60."
        )
        same = finding({8: 50.0, 60: 50.0, 78: 50.0})
        assert same.startswith("The 3 values of n have the same mean accuracy, 50.0 %. No test")

    def test_significant_above_all(self):
        text = finding({8: 20.0, 60: 90.0, 78: 50.0})
        assert "60 has the highest mean accuracy (90.0 %; the others 20.0 to 50.0), " in text
        assert "significantly above all others." in text

    def test_significant_above_some(self):
        text = finding({8: 20.0, 60: 90.0, 78: 89.0})
        assert "significantly above 8; no test distinguishes it from 78." in text
        assert "accuracy rises with n: by " in text

    def test_a_trend_is_named_with_its_size(self):
        text = finding({8: 80.0, 9: 70.0, 10: 60.0})
        assert "accuracy falls with n: by 20.0 points from the smallest to the largest" in text

    def test_two_values_have_no_trend(self):
        text = finding({8: 20.0, 60: 90.0})
        assert text.endswith("(90.0 %; the others 20.0), significantly above the other.")
        assert finding({8: 50.0, 60: 50.5}).endswith("no test distinguishes it from the other.")

    def test_one_value(self):
        assert finding({8: 50.0}) == (
            "Only one value of n is in the table, 8: it is correct on 50.0 % of the tracks."
        )

    def test_values_that_are_no_numbers_have_no_trend(self):
        text = finding({"none": 20.0, "balanced": 90.0, "x": 30.0}, "training.class_weights")
        assert text.startswith("Of 3 values of training.class_weights, balanced has the highest")
        assert "rises" not in text

    def test_differences_that_may_come_from_training(self):
        some = finding({8: 20.0, 60: 90.0, 78: 50.0}, unfair={"v0"})
        assert (
            "Differences from 8 may come from training: budgets of epochs are unequal, or" in some
        )
        whole = finding({8: 20.0, 60: 90.0, 78: 50.0}, unfair={"v0", "v1", "v2"})
        assert whole.endswith("may come from training: see the warnings at the top.")

    @pytest.mark.parametrize(
        ("key", "symbol", "axis"),
        [
            (LENGTH, "n", "filter length n of trunk time, frames"),
            ("trunks.f.filter.0", "m", "filter height m of trunk f, mel bands"),
            ("training.learning_rate", "the learning rate", "learning rate"),
            ("trunks.a.layers.0.pool", "trunks.a.layers.0.pool", "trunks.a.layers.0.pool"),
            (
                "trunks.a.layers.0.convolution.1",
                "n",
                "filter length n in layer 1 of trunk a, frames",
            ),
        ],
    )
    def test_names_of_keys(self, key, symbol, axis):
        assert (sweep_texts.symbol(key), sweep_texts.axis(key)) == (symbol, axis)


class TestFigure:
    def text(self, means, key=LENGTH, **options):
        rows, own = sweep_of(means, key, **options)
        return svg.text_of(sweep_figure.sweep(rows, own, CHANCE, "Time"), "own")

    def test_ticks_are_the_values(self):
        document = self.text({8: 50.0, 60: 60.0, 78: 70.0})
        for text in ("8", "60", "78", "filter length n of trunk time, frames", "chance 12.5"):
            assert f">{text}</text>" in document, text

    def test_values_far_apart_have_a_logarithmic_axis(self):
        rows, own = sweep_of({0.001: 50.0, 0.01: 60.0, 0.1: 70.0}, "training.learning_rate")
        figure = sweep_figure.sweep(rows, own, CHANCE, "Time")
        assert figure.axes[0].get_xscale() == "log"
        document = svg.text_of(figure, "own")
        for text in ("0.001", "0.01", "0.1"):
            assert f">{text}</text>" in document, text

    @pytest.mark.parametrize(
        "values",
        [
            [8],
            [0, 1],
            [-1.0, 0.0, 30.0],
            [0.1, 100],
            range(1, 200),
            ["none", "a" * 300],
            [(1, 60), (4, 8)],
        ],
    )
    def test_any_values(self, values):
        document = self.text(dict(zip(values, np.linspace(0, 100, len(values)), strict=True)))
        assert document.count("chance 12.5") == 1
        assert len(re.findall(r">a{13}…</text>", document)) == ("none" in values)

    def test_many_values_have_ticks_that_do_not_overlap(self):
        rows, own = sweep_of(dict.fromkeys(range(1, 200), 50.0))
        figure = sweep_figure.sweep(rows, own, CHANCE, "Time")
        assert 20 < len(figure.axes[0].get_xticks()) < 41

    def test_a_network_that_has_not_converged_is_hollow(self):
        rows, own = sweep_of({8: 50.0, 60: 60.0}, unconverged=["v1"])
        (axes,) = sweep_figure.sweep(rows, own, CHANCE, "Time").axes
        styles = [line[0].get_fillstyle() for line in axes.containers]
        assert styles == ["full", "none"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The report of two sweeps and a network beside them."""
    heights = {f"frequency_{m}x1": m for m in (30, 34, 40)}
    lengths = {"time_1x60": 60, "time_1x200": 200}
    sweeps = {
        "height": {
            "base": "frequency_30x1",
            "key": "trunks.frequency.filter.0",
            "rows": heights,
        },
        "length": {"base": "time_1x60", "key": LENGTH, "rows": lengths},
    }
    variants = ["blackbox_12x8", *lengths, *heights]
    results = FakeResults(
        tmp_path_factory.mktemp("sweeps") / "fake", ["x", "y"], 24, variants, sweeps=sweeps
    )
    report.main(results.report_arguments())
    return results


class TestPage:
    def test_each_sweep_has_a_section(self, made):
        page = (made.folder / "report.html").read_text()
        assert '<a href="#sweeps">Sweeps</a>' in page
        for name, key in (("height", "trunks.frequency.filter.0"), ("length", LENGTH)):
            assert f"<h3>{name}</h3>" in page and f"<code>{key}</code>" in page
            assert f'id="figure-sweep-{name}"' in page
        assert "Of 3 values of m, " in page and "Of 2 values of n, " in page
        for name in made.variants:
            linked = f'<a href="#network-{name}">'
            # In Table I, and in the sweep.
            assert page.count(linked) == (1 if name == "blackbox_12x8" else 2), name

    def test_the_answer_leaves_the_shapes_to_the_sweeps(self, made):
        page = (made.folder / "report.html").read_text()
        assert "Frequency networks, " not in page and "Time networks, " not in page
        assert "comparisons with the black-box" in page

    def test_the_files_of_the_figure(self, made):
        folder = made.folder / "figures"
        assert (folder / "sweep-height.svg").exists() and (folder / "sweep-height.pdf").exists()
        data = pd.read_csv(folder / "sweep-height.csv")
        assert data.columns.tolist() == [
            *("kind", "name", "value", "seed", "fold", "accuracy", "low", "high"),
        ]
        assert data["kind"].value_counts().to_dict() == {
            **{"mean": 3, "fold": 9, "baseline": 1, "chance": 1}
        }
        means = data[data["kind"] == "mean"].set_index("name")
        for name, rows in data[data["kind"] == "fold"].groupby("name"):
            assert means.loc[name, "accuracy"] == pytest.approx(rows["accuracy"].mean())
            assert set(rows["value"]) == {means.loc[name, "value"]}

    def test_without_sweeps_there_is_no_section(self, tmp_path):
        results = FakeResults(tmp_path / "fake", ["x", "y"], 12, ["time_1x60"])
        report.main(results.report_arguments())
        page = (results.folder / "report.html").read_text()
        assert "#sweeps" not in page and not (results.folder / "sweeps.csv").exists()
