"""The page that compares runs: what it says first, its figure, names of any kind."""

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from tests.names import NAMES
from workflow_scripts.report import comparison_figure, comparison_texts, svg
from workflow_scripts.report.comparison_page import ComparisonPage
from workflow_scripts.results.run_comparison import ALL_NETWORKS, COLUMNS
from workflow_scripts.results.run_settings import Difference


def table_of(*differences, run="new", first="old", half_width=2.0):
    """The table of networks n0, n1, ... with these (difference, p_holm)."""
    rows = []
    for number, (difference, p) in enumerate(differences):
        row = {"variant": f"n{number}", "same_network": True, "accuracy_std": 1.0, "n_results": 5}
        rows.append(row | {"run": first, "accuracy_mean": 50.0})
        own = {"run": run, "accuracy_mean": 50.0 + difference, "test": "paired", "p": p / 2}
        own |= {"difference": difference, "half_width": half_width, "p_holm": p}
        rows.append(row | own | {"only_run": 3, "only_first": 1})
    return pd.DataFrame(rows).reindex(columns=COLUMNS)


class TestHeadline:
    def sentences(self, table):
        return comparison_texts.headline(table, "old", "new", "They are not comparable.")

    def test_significant_differences_with_their_direction(self):
        table = table_of((10.0, 0.01), (-8.0, 0.02), (20.0, 0.001), (1.0, 0.9))
        assert self.sentences(table) == [
            "new is significantly better with n2 (+20.00 points), n0 (+10.00 points) and worse "
            "with n1 (-8.00 points) than old, at the level of 0.05 (adjusted for all networks). "
            "The other network does not differ significantly."
        ]

    def test_no_significant_difference(self):
        assert self.sentences(table_of((3.0, 0.2), (-4.0, 0.05))) == [
            "None of the 2 networks differs significantly between new and old at the level of "
            "0.05. The largest difference: n1, -4.00 points in new, 95 % interval -6.00 to -2.00, "
            "adjusted p = 0.050."
        ]

    def test_a_single_network(self):
        (sentence,) = self.sentences(table_of((3.0, 0.2)))
        assert sentence.startswith("n0 does not differ significantly between new and old")

    @pytest.mark.parametrize(
        ("difference", "p", "told"),
        [
            (5.0, 0.01, "new is significantly better than old: +5.00 points"),
            (-5.0, 0.01, "new is significantly worse than old: -5.00 points"),
            (5.0, 0.3, "new is not significantly different from old: +5.00 points"),
        ],
    )
    def test_the_mean_of_all_networks_comes_first(self, difference, p, told):
        table = table_of((1.0, 0.9), (2.0, 0.9), (difference, p))
        table["variant"] = table["variant"].replace("n2", ALL_NETWORKS)
        first, second = self.sentences(table)
        assert told in first
        assert second.startswith("None of the 2 networks differs")

    def test_equal_predictions(self):
        table = table_of((0.0, 1.0)).assign(only_run=0, only_first=0)
        assert self.sentences(table) == [
            "new and old predict the same tracks correctly with every network."
        ]

    def test_a_difference_without_an_interval(self):
        (sentence,) = self.sentences(table_of((10.0, 0.25), half_width=np.nan))
        assert sentence.endswith("n0, +10.00 points in new, adjusted p = 0.250.")

    def test_a_difference_without_a_test(self):
        table = table_of((10.0, np.nan), half_width=np.nan)
        assert self.sentences(table)[-1] == (
            "No test for n0 in new and old: the accuracy of each run is the same in all folds."
        )

    def test_runs_that_are_not_comparable(self):
        table = table_of((1.0, 0.5)).assign(difference=np.nan)
        assert self.sentences(table) == ["They are not comparable."]

    def test_no_network_in_common(self):
        table = table_of((1.0, 0.5)).assign(difference=np.nan)
        table.loc[table["run"] == "new", "variant"] = "other"
        assert self.sentences(table) == ["new and old have no network in common."]


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.addresses, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.addresses += [v for k, v in attributes if k in ("src", "href") and v[:1] != "#"]

    def handle_data(self, data):
        self.texts.append(data.strip())


def page_of(runs):
    first, *others = runs
    numbers = ((10.0, 0.01), (-8.0, 0.2))
    tables = [table_of(*numbers, run=run, first=first) for run in others]
    table = pd.concat(tables).drop_duplicates(["variant", "run"])
    page = ComparisonPage(
        runs=runs,
        lead=[f"{runs[1]} is better than {runs[0]}."],
        warnings=[],
        relations=[],
        tables=comparison_texts.tables(table, runs),
        method=comparison_texts.method(table, runs[0], False),
        configuration=[Difference("group_by", runs)],
        software=[Difference("device", runs)],
        trained=[(run, "Trained.") for run in runs],
    )
    shown = table[table["difference"].notna()]
    figure = comparison_figure.differences(shown, runs[0])
    page.figures["run-differences"] = svg.inline(svg.text_of(figure, "f"), "f")
    page.findings["run-differences"] = comparison_figure.finding(shown, runs[0])
    page.data["run-differences"] = shown.to_csv(index=False)
    return page


def test_runs_of_any_name():
    page = page_of(NAMES)
    tags = Tags(page.html())
    for name in NAMES:
        assert tags.texts.count(name) >= 3, name
    assert all(address.startswith("data:") for address in tags.addresses)
    rows = [line for line in page.markdown().splitlines() if line.startswith("|")]
    columns = {re.sub(r"\\.", "", row).count("|") - 1 for row in rows}
    assert columns == {len(NAMES) + 1, 9}, "no name adds a column"


def test_the_finding_names_a_mean_that_is_significant_alone():
    table = table_of((1.0, 0.9), (2.0, 0.9), (1.5, 0.01)).dropna(subset="difference")
    table["variant"] = table["variant"].replace("n2", ALL_NETWORKS)
    assert comparison_figure.finding(table, "old") == (
        "Of 2 networks, 2 are better in new than in old and 0 worse; none is significant alone, "
        "but their mean is."
    )


def test_the_figure_has_a_finding_its_data_and_labels():
    page = page_of(["old", "new"]).html()
    finding = "Of 2 networks, 1 is better in new than in old and 1 worse; 1 is significant."
    assert finding in page and "data (CSV)" in page
    shown = table_of((10.0, 0.01), (-8.0, 0.2)).dropna(subset="difference")
    document = svg.text_of(comparison_figure.differences(shown, "old"), "f")
    texts = {e.text for e in ET.fromstring(document).iter("{http://www.w3.org/2000/svg}text")}
    assert {"n0", "n1", "+10.0", "-8.0"} <= texts
