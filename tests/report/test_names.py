"""Names in figures and on the page are shown as they are, whatever they look like."""

import csv
import xml.etree.ElementTree as ET
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from tests.fake_results import FakeResults
from tests.names import NAMES
from workflow_scripts.report import figures, filter_figures, material, page_content, svg
from workflow_scripts.report.confusions import Confusions
from workflow_scripts.report.drawings import drawings
from workflow_scripts.report.intervention_texts import MOST_CLASSES
from workflow_scripts.report.svg import LONGEST_NAME, text_of_name
from workflow_scripts.steps.report import parse

SVG = "{http://www.w3.org/2000/svg}"


def texts(figure):
    """The texts of a figure, as a reader of its file and of the page sees them."""
    document = svg.text_of(figure, "name")
    in_file = [e.text or "" for e in ET.fromstring(document).iter(f"{SVG}text")]
    inline = svg.inline(document, "name").replace("<svg", f'<svg xmlns:x="{SVG[1:-1]}"', 1)
    on_page = [e.text or "" for e in ET.fromstring(inline).iter(f"{SVG}text")]
    assert in_file == on_page
    return in_file


def confusions(names):
    return Confusions.of(pd.DataFrame({"label": names, "predicted": names[::-1]}), names).shown()


@pytest.mark.parametrize("half", [slice(None, 12), slice(12, None)])
def test_classes_of_confusions(half):
    names = NAMES[half]
    found = texts(figures.confusion(confusions(names)))
    for name in names:
        assert found.count(name) == 2, name


def test_classes_of_spectral_filters():
    for first in range(0, len(NAMES), filter_figures.N_SHAPES):
        names = NAMES[first : first + filter_figures.N_SHAPES]
        n = len(names)
        table = pd.DataFrame({"most_affected_class": names, "offset": 0.0, "strength": 1.0})
        table = table.assign(gain=0.25, filter=range(n))
        hertz = np.geomspace(50, 20000, 40)
        found = texts(filter_figures.spectral_shapes(table, np.ones((n, 30, 1)), hertz))
        for name in names:
            assert f"{text_of_name(name, filter_figures.LONGEST_TITLE)} (0.25)" in found
        assert {"100", "1000"} <= set(found), "the frequencies are numbers, not formulas"


@pytest.mark.parametrize("variant", ["nan", "1e5", "x_", "01", "true", "a_b"])
def test_variants(variant):
    history = {"epoch": [1], "train_loss": [1.0], "validation_loss": [1.0]}
    assert texts(figures.learning_curves([pd.DataFrame(history | {"validation_accuracy": [0.5]})]))
    pairs = pd.DataFrame([{"first": variant, "second": "b", "difference": 9.0, "p_holm": 0.01}])
    under = {"variant": variant, "intervention": "shift", "amount": [0, 1], "accuracy_mean": 5.0}
    drawn = [
        figures.accuracies({variant: [1.0, 2.0], "b": [3.0]}, {variant: 1.0, "b": np.nan}),
        figures.differences(pairs, [variant, "b"], 0.05),
        figures.interventions(pd.DataFrame(under), "shift", {variant: "Time"}),
        filter_figures.tempi({variant: np.array([100.0])}, None),
    ]
    for figure in drawn:
        assert any(text == variant or text.startswith(f"{variant}:") for text in texts(figure))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names") / "results"
    return FakeResults(folder, NAMES, 6 * len(NAMES), ["time_1x60", "frequency_32x1"])


@pytest.fixture(scope="module")
def read(results):
    return material.read(parse(results.report_arguments()))


@pytest.fixture(scope="module")
def drawn(read):
    return {drawing.name: drawing for drawing in drawings(read)}


@pytest.fixture(scope="module")
def page(results, read):
    return page_content.page(read, "fake", "folder", results.configuration, {})


class TestPage:
    """The page of FakeResults, whose classes have all of these names."""

    def test_filters_with_the_tempo_of_their_class(self, results, page, drawn):
        bpm = {name: [] for name in NAMES}
        with (results.folder / "tracks.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                bpm[row["label"]].append(float(row["bpm"]))
        with (results.folder / "time_1x60/filters.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len({row["most_affected_class"] for row in rows}) > 20
        ratios = [float(row["tempo"]) / np.median(bpm[row["most_affected_class"]]) for row in rows]
        near = 100 * np.mean([abs(ratio - 1) < 0.05 for ratio in ratios])
        assert near > 0
        (sentence,) = [drawn[f"tempo-{variant}"].finding for variant in page.temporal]
        assert f"{len(rows)} filters have a tempo; {near:.0f} % of these" in sentence

    def test_confusions_and_errors(self, results, page):
        for network in page.networks:
            shown = network["confusions"]
            counted = dict.fromkeys(NAMES, 0)
            for fold in range(3):
                path = results.folder / network["variant"] / f"{fold}.csv"
                with path.open(newline="") as file:
                    for row in csv.DictReader(file):
                        counted[row["label"]] += row["predicted"] == row["label"]
            for number, name in enumerate(shown.rows):
                assert shown.counts[number, number] == counted[name], name
            assert {error.label for error in network["errors"]} <= set(NAMES)

    def test_changed_predictions(self, results, page):
        for network in page.networks:
            before, changed = Counter(), Counter()
            with (results.folder / network["variant"] / "counts.csv").open(newline="") as file:
                for row in csv.DictReader(file):
                    if (row["intervention"], row["amount"]) == ("stretch", "0.8"):
                        before[row["unchanged"]] += int(row["tracks"])
                        if row["predicted"] != row["unchanged"]:
                            changed[row["unchanged"]] += int(row["tracks"])
            sentence = network["changes"]["sentence"]
            listed = [n for n in NAMES if f"{changed[n]} of {before[n]} {n} (most to" in sentence]
            assert len(listed) == MOST_CLASSES
            assert min(changed[n] for n in listed) >= max(
                changed[n] for n in NAMES if n not in listed
            )
            assert f"; and of {len(changed) - MOST_CLASSES} more classes." in sentence


def test_names_that_xml_cannot_have_or_a_figure_cannot_hold():
    assert text_of_name("a\x07b\tc\nd\udcff") == "a\\x07b\\tc\\nd\\udcff"
    assert text_of_name("x" * 300) == "x" * (LONGEST_NAME - 1) + "…"
    assert text_of_name("x" * LONGEST_NAME) == "x" * LONGEST_NAME
    names = sorted(["a\x07b", "x" * 300, "", "\ufffe"])
    found = texts(figures.confusion(confusions(names)))
    assert {"a\\x07b", text_of_name("x" * 300), "\\ufffe"} <= set(found)


def test_a_name_like_the_colour_or_the_ids_of_a_figure_stays_as_it_is():
    names = ["#000000", 'id="q" url(#q)']
    element = svg.inline(svg.text_of(figures.confusion(confusions(names)), "f"), "f")
    assert ">#000000<" in element and '>id="q" url(#q)<' in element
    assert "currentColor" in element and 'id="f-' in element and "url(#f-" in element
