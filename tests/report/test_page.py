"""The report: its texts, from tables with known results, and the page as HTML."""

import base64
import re
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pandas as pd

from tests.report.conftest import CLASSES, HOSTILE
from workflow_scripts.report import (
    figures,
    filter_texts,
    frame,
    intervention_texts,
    network_texts,
    outcomes,
    svg,
    table_section,
)


def predicted(*rows):
    """Predictions of tracks: (label, predicted, probability, segments)."""
    return pd.DataFrame(
        [
            {"track_id": f"t{number}", "label": label, "predicted": class_, "segments": segments}
            | {f"probability_{name}": probability for name in CLASSES}
            for number, (label, class_, probability, segments) in enumerate(rows)
        ]
    )


class TestNetworks:
    predictions = predicted(
        ("a", "a", 0.9, "0 0"),
        ("a", "b", 0.6, "1 1"),
        ("a", "b", 0.8, "1 0"),
        ("b", "a", 0.7, "0 2"),
        ("b", "b", 0.9, "1 1"),
    )

    def test_the_most_confident_errors_come_first(self):
        errors = outcomes.most_confident_errors(self.predictions, CLASSES)
        assert [e.track_id for e in errors] == ["t2", "t3", "t1"]
        assert errors[0].votes == ["b", "a"] and errors[1].votes == ["a", HOSTILE]

    def test_the_votes_of_a_long_track_are_cut(self):
        segments = " ".join(["1"] * 2000)
        (error,) = outcomes.most_confident_errors(predicted(("a", "b", 1.0, segments)), CLASSES)
        assert error.votes == ["b"] * outcomes.MOST_VOTES and error.n_segments == 2000

    def test_the_most_confident_errors_of_several_folds(self):
        folds = [
            outcomes.Outcomes(pd.DataFrame(), [outcomes.Error(name, "a", "b", p, [], 1)])
            for name, p in (("x", 0.5), ("z", 0.9), ("y", 0.9))
        ]
        assert [e.track_id for e in outcomes.most_confident(folds)] == ["y", "z", "x"]

    def test_number_of_epochs_and_best_epoch(self):
        histories = [
            pd.DataFrame({"epoch": [1, 2, 3], "validation_accuracy": accuracies})
            for accuracies in ([0.1, 0.5, 0.5], [0.1, 0.2, 0.3])
        ]
        sentence = network_texts.learning(histories)
        assert sentence == "Trained for 3 epochs per fold; best epoch: 2 to 3."

    def test_a_thinned_history_keeps_its_first_and_last_epoch(self):
        history = pd.DataFrame({"epoch": np.arange(1, 2001)})
        shown = figures.thinned(history)["epoch"]
        assert (shown.iloc[0], shown.iloc[-1], len(shown)) == (1, 2000, figures.MOST_POINTS)


class TestSentences:
    def under(self, kind, unchanged, **changed):
        rows = [(v, kind, unchanged, 80.0) for v in changed]
        rows += [(v, kind, unchanged + 2, accuracy) for v, accuracy in changed.items()]
        return pd.DataFrame(rows, columns=["variant", "intervention", "amount", "accuracy_mean"])

    def test_network_that_loses_most_under_time_stretch(self):
        sentence = intervention_texts.stretch_sentence(
            self.under("stretch", 1, sensitive=30.0, robust=75.0)
        )
        assert "sensitive loses most, 50.0 points, and robust least, 5.0." in sentence

    def test_loss_of_smaller_filters_under_pitch_shift(self):
        under = self.under("shift", 0, tall=20.0, small=50.0, smaller=60.0, time=70.0)
        architectures = dict.fromkeys(("tall", "small", "smaller"), "Frequency") | {"time": "Time"}
        sentence = intervention_texts.shift_sentence(
            under, architectures, {"tall": 40, "small": 38, "smaller": 30, "time": 1}
        )
        assert sentence.endswith(
            "filters of 40 bands lose 60.0 points on average, smaller filters 25.0."
        )

    def test_changed_predictions(self):
        rows = [("a", "b", 3), ("a", "a", 1), ("b", "b", 4)]
        counts = pd.DataFrame(rows, columns=["unchanged", "predicted", "tracks"]).assign(
            intervention="stretch", amount=0.8, label="a"
        )
        sentence = intervention_texts.changes_sentence(counts)
        assert sentence == "Changed predictions: 3 of 4 a (most to b: 3)."

    def test_tempi_of_filters_are_compared_with_those_of_classes(self):
        table = pd.DataFrame(
            {
                "tempo": [100.0, 201, 150, np.nan],
                "most_affected_class": ["slow", "slow", "slow", "slow"],
            }
        )
        sentence = filter_texts.tempo_sentence("net", table, {"slow": 100.0})
        assert "net: 3 filters have a tempo; 33 % of these" in sentence
        assert "67 % this tempo or" in sentence
        assert filter_texts.tempo_sentence("net", table, {}) == "net: 3 filters have a tempo."


class Outline(HTMLParser):
    """The attributes of a page's elements, and the elements that are still open."""

    VOID = ("meta", "br", "img", "link", "input", "hr")

    def __init__(self, text):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


class TestPage:
    def test_is_well_formed_and_needs_no_other_file(self, page):
        text = page.html()
        outline = Outline(text)
        assert outline.open == []
        for tag, attributes in outline.elements:
            for name in ("src", "href", "xlink:href"):
                value = attributes.get(name)
                assert value is None or value.startswith(("#", "data:text/csv;")), (tag, value)
        assert not re.search(r"@import|url\((?!#)", text)

    def test_ids_are_unique_and_references_exist(self, page):
        elements = Outline(page.html()).elements
        ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        for _, attributes in elements:
            for name in ("aria-labelledby", "for"):
                assert attributes.get(name, ids[0]) in ids
            if attributes.get("href", "#").startswith("#"):
                assert attributes.get("href", f"#{ids[0]}")[1:] in ids

    def test_figures_players_and_tables_have_labels(self, page):
        for tag, attributes in Outline(page.html()).elements:
            if tag == "audio" or attributes.get("role") in ("img", "region"):
                assert attributes.get("aria-label") or attributes.get("aria-labelledby")

    def test_names_are_escaped(self, page):
        text = page.html()
        assert "<script>alert" not in text
        scripts = [tag for tag, _ in Outline(text).elements if tag == "script"]
        assert len(scripts) == 2, "the script of the page and its sounds"

    def test_figures_have_a_finding_and_their_data(self, page):
        links = {
            attributes["download"]: attributes["href"]
            for tag, attributes in Outline(page.html()).elements
            if tag == "a" and "download" in attributes
        }
        assert links.keys() == {f"{name}.csv" for name in page.data}
        for name, text in page.data.items():
            _, _, encoded = links[f"{name}.csv"].partition("base64,")
            assert base64.b64decode(encoded).decode() == text
        assert page.html().count('<p class="finding">') == len(page.findings)

    def test_large_data_are_in_a_file(self, page):
        page.data["curves-time"] = "ä" * (frame.LARGEST_DATA // 2) + "\n"
        links = [a["href"] for tag, a in Outline(page.html()).elements if "download" in a]
        assert "figures/curves-time.csv" in links
        page.data["curves-time"] = page.data["curves-time"][:-1]
        assert "figures/curves-time.csv" not in page.html()

    def test_table_i_leads_to_the_networks_and_starts_with_their_accuracy(self, page):
        assert [column["title"] for column in page.columns[:2]] == ["Variant", "Accuracy"]
        text = page.html()
        for row in page.rows:
            name, accuracy = row["cells"][:2]
            assert f'<a href="#network-{name["text"]}">' in text
            assert accuracy["value"] == row["mean"]

    def test_headings_are_in_order(self, page):
        levels = [int(t[1]) for t, _ in Outline(page.html()).elements if re.match(r"h\d$", t)]
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(lower - higher <= 1 for higher, lower in pairwise(levels))

    def test_empty_sections_are_not_shown(self, page):
        text = page.html()
        for section in ("differences", "temporal", "spectral", "interventions", "sounds"):
            assert f'id="{section}"' not in text and f'href="#{section}"' not in text

    def test_a_missing_baseline_sorts_as_unknown(self, page):
        cells = [{c["title"]: c["value"] for c in row["cells"]} for row in page.rows]
        assert [row["Baseline"] for row in cells] == ["", 12.5, 90.0]
        assert [row["Parameters"] for row in cells] == [7336, 3368, 3_275_312]
        assert [row["baseline"] for row in page.rows] == [None, 12.5, 90.0]


def test_a_baseline_of_unknown_name_is_shown_by_its_name(page):
    baselines = pd.DataFrame({"baseline": ["of_mine"] * 2, "fold": [0, 1], "accuracy": [50, 60]})
    assert table_section.baseline_rows(baselines) == [("of_mine", "55.00 ± 5.00")]


def test_a_figure_is_reproducible_and_its_black_becomes_the_colour_of_the_text():
    texts = [
        svg.text_of(figures.accuracies({"net": [10.0, 20.0]}, {"net": 5.0}), "f") for _ in range(2)
    ]
    assert texts[0] == texts[1]
    element = svg.inline(texts[0], "f")
    assert svg.INK in texts[0] and svg.INK not in element and "currentColor" in element
    assert 'width="' not in element[: element.index(">")]
