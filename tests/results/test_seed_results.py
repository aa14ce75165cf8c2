"""The results of several seeds, in the table and on the page."""

import re

import numpy as np
import pandas as pd
import pytest

from tests.fake_results import FakeResults
from workflow_scripts.errors import UserError
from workflow_scripts.results import seed_notes
from workflow_scripts.steps import report, tabulate

VARIANTS = ["time_1x60", "frequency_32x1"]
OF_EACH_SEED = {"--folds", "--baselines", "--predictions", "--fits", "--histories"}


def by_option(arguments):
    """The values of each option."""
    options = {}
    for part in arguments:
        if part.startswith("--"):
            values = options.setdefault(part, [])
        else:
            values.append(part)
    return options


def together(first, *others):
    """The arguments of a step for several seeds; what they share is that of the first."""
    options = by_option(first)
    for other in others:
        for name in OF_EACH_SEED:
            options[name] += by_option(other)[name]
    return [part for name, values in options.items() for part in (name, *values)]


def accuracy(results, variant, fold):
    """An accuracy in %, from the file of predictions."""
    table = pd.read_csv(results.folder / variant / f"{fold}.csv")
    return 100 * np.mean([row.label == row.predicted for row in table.itertuples()])


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    """Results of three seeds; the tables and the page in the folder of the first are of all."""
    home = tmp_path_factory.mktemp("seeds")
    seeds = [FakeResults(home / str(n), ["a", "b", "c"], 30, VARIANTS, seed=n) for n in (1, 2, 3)]
    tabulate.main(together(*(own.tabulate_arguments() for own in seeds)))
    report.main(together(*(own.report_arguments() for own in seeds)))
    return seeds


class TestTable:
    def test_means_and_deviations_are_over_all_folds_of_all_seeds(self, seeds):
        table = pd.read_csv(seeds[0].folder / "table1.csv").set_index("variant")
        assert (table["n_folds"] == 3).all() and (table["n_seeds"] == 3).all()
        for variant in VARIANTS:
            folds = np.array([[accuracy(own, variant, k) for k in range(3)] for own in seeds])
            row = table.loc[variant]
            assert row["accuracy_mean"] == pytest.approx(folds.sum() / 9)
            squares = ((folds - folds.sum() / 9) ** 2).sum()
            assert row["accuracy_std"] == pytest.approx((squares / 9) ** 0.5)
            means = folds.sum(axis=1) / 3
            of_seeds = ((means - means.sum() / 3) ** 2).sum()
            assert of_seeds > 0
            assert row["accuracy_std_seeds"] == pytest.approx((of_seeds / 3) ** 0.5)

    def test_the_text_says_over_what(self, seeds):
        page = (seeds[0].folder / "table1.md").read_text()
        assert "mean ± standard deviation over 3 folds of 3 seeds." in page
        assert "those of the first seed, 1." in page
        assert "seed 1 and 2 and 3;" in page
        row = pd.read_csv(seeds[0].folder / "table1.csv").iloc[0]
        assert f"| {row['accuracy_std_seeds']:.2f} " in page and "| Between seeds |" in page

    def test_a_table_of_one_seed_says_nothing_of_seeds(self, seeds, tmp_path):
        own = FakeResults(tmp_path / "one", ["a", "b"], 12, VARIANTS)
        page = (own.folder / "table1.md").read_text()
        assert "over 3 folds.\n" in page and "seeds" not in page
        table = pd.read_csv(own.folder / "table1.csv")
        assert (table["n_seeds"] == 1).all() and table["accuracy_std_seeds"].isna().all()

    def test_files_of_too_few_models_are_rejected(self, seeds):
        arguments = together(*(own.tabulate_arguments() for own in seeds[:2]))
        last = by_option(arguments)["--fits"][-1]
        arguments.remove(last)
        with pytest.raises(UserError, match=r"has 3 folds for 2 variants and 2 seeds; run snake"):
            tabulate.main(arguments)

    def test_the_same_seed_twice_is_rejected(self, seeds):
        with pytest.raises(UserError, match="are of the seeds 1, 1, not of different ones; remove"):
            tabulate.main(together(*(seeds[0].tabulate_arguments() for _ in range(2))))

    def test_models_of_another_seed_are_rejected(self, seeds):
        first, second = (own.tabulate_arguments() for own in seeds[:2])
        mixed = [*second]
        at, other = mixed.index("--fits"), by_option(first)["--fits"]
        mixed[at + 1 : at + 1 + len(other)] = other
        with pytest.raises(UserError, match=r"fit-0\.json"):
            tabulate.main(together(first, mixed))


class TestPage:
    def test_the_page_has_the_folds_of_all_seeds(self, seeds):
        page = (seeds[0].folder / "report.html").read_text()
        assert "over 3 folds of 3 seeds" in page and "those of the first seed, 1." in page
        for variant in VARIANTS:
            folds = [accuracy(own, variant, k) for own in seeds for k in range(3)]
            dots = ", ".join(str(round(value, 1)) for value in folds)
            assert f'aria-label="Folds: {dots} %"' in page

    def test_confusions_count_each_track_once(self, seeds):
        for variant in VARIANTS:
            pairs = pd.read_csv(seeds[0].folder / f"figures/confusions-{variant}.csv")
            assert pairs["tracks"].sum() == 30
            first = pd.concat(
                [pd.read_csv(seeds[0].folder / variant / f"{k}.csv") for k in range(3)]
            )
            right = pairs.loc[pairs["label"] == pairs["predicted"], "tracks"].sum()
            assert right == (first["label"] == first["predicted"]).sum()


class TestSentences:
    def test_those_of_all_seeds_are_said_once_and_others_with_their_seed(self):
        found = seed_notes.together({5: ["Legend.", "No a.", "End."], 7: ["Legend.", "End."]})
        assert found == ["Legend.", "Seed 5: No a.", "End."]
        found = seed_notes.together({5: ["Legend."], 7: ["Legend.", "No b."]})
        assert found == ["Legend.", "Seed 7: No b."]

    def test_with_several_seeds_one_says_what_is_of_the_first(self):
        assert seed_notes.of_first_seed_only([5, 7]).endswith("first seed, 5.")
        assert seed_notes.of_first_seed_only([5]) == ""

    def test_those_of_one_seed_are_unchanged(self):
        assert seed_notes.together({5: ["Legend.", "No a."]}) == ["Legend.", "No a."]

    def test_a_fold_without_a_class_is_named_with_its_seed(self, tmp_path):
        # The last fold of the first seed has no track of c; it is the first fold of the second.
        seeds = [
            FakeResults(tmp_path / str(n), ["a", "b", "c"], 8, VARIANTS[:1], seed=n) for n in (1, 2)
        ]
        tabulate.main(together(*(own.tabulate_arguments() for own in seeds)))
        page = (seeds[0].folder / "table1.md").read_text()
        lacking = re.findall(r"^Seed (\d): No test track: fold (\d) has none of c\.", page, re.M)
        assert lacking == [("1", "2"), ("2", "0")]
