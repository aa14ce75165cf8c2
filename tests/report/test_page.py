"""The report: its texts, from tables with known results, and the page in a browser."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.report import (
    figures,
    filter_texts,
    intervention_texts,
    network_texts,
    outcomes,
    page_content,
    svg,
    table_section,
)
from workflow_scripts.report.confusions import Shown
from workflow_scripts.report.page import Page

HOSTILE = "<script>alert(1)</script> \"x' & y"
CLASSES = ["a", "b", HOSTILE]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


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
    def pairs(self, *p_holm):
        names = [("x", "y"), ("x", "z")][: len(p_holm)]
        rows = [
            {"first": first, "second": second, "difference": -10.0 * (1 + number), "p_holm": p}
            for number, ((first, second), p) in enumerate(zip(names, p_holm, strict=True))
        ]
        return pd.DataFrame(rows)

    def test_no_significant_difference(self):
        assert page_content.differences_sentence(self.pairs(0.2, 1)).startswith(
            "None of the 2 pairs"
        )

    def test_significant_differences(self):
        sentence = page_content.differences_sentence(self.pairs(0.01, 0.02))
        assert sentence.startswith("2 of the 2 pairs")
        assert "z is 20.0 points better than x" in sentence

    def test_one_pair(self):
        same = page_content.differences_sentence(self.pairs(0.2)[:1])
        assert same.startswith("The two networks do not differ significantly")
        differs = page_content.differences_sentence(self.pairs(0.01)[:1])
        assert "y is 10.0 points better than x." in differs and "other pairs" not in differs
        assert page_content.differences_sentence(self.pairs(0.01, 0.2)).startswith(
            "1 of the 2 pairs of networks differs"
        )

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


def network(variant, best):
    """A network with one wrong prediction, of a track whose class has the hostile name."""
    counts = np.ones((3, 4), int)
    return {
        "variant": variant,
        "confusion_sentence": "One.",
        "confusions": Shown(CLASSES, [*CLASSES, "other classes"], counts, counts / 4, 5),
        "confusion_rows": [[{"count": 1, "share": 10 * best}] * 4] * 3,
        "errors": [outcomes.Error(HOSTILE, HOSTILE, "a", 0.7, [HOSTILE, "a", "b"], 9)],
        "changes": {"condition": "slowed", "sentence": HOSTILE},
    }


@pytest.fixture
def page():
    """A page with three networks, figures, a player and names that need escaping."""
    variants = ["blackbox", "time", "frequency"]
    accuracies = [30.0, 80.0, 55.0]
    table = pd.DataFrame(
        {
            "variant": variants,
            "architecture": "Time",
            "input_frames": 80,
            "filter": "(1, 60)",
            "pool": "(40, 1)",
            "parameters": [3_275_312, 7336, 3368],
            "accuracy_mean": accuracies,
            "accuracy_std": 5.0,
            "segment_accuracy_mean": accuracies,
            "segment_accuracy_std": 5.0,
            "n_folds": 2,
            "paper_accuracy_mean": np.nan,
            "paper_accuracy_std": np.nan,
            "baseline": "modulation_scale_spectrum",
            "baseline_accuracy": [90.0, np.nan, 12.5],
            "paper_baseline_accuracy": np.nan,
            "class_accuracy_mean": accuracies,
            "class_accuracy_std": 5.0,
        }
    )
    table.loc[1, "baseline"] = ""
    baselines = pd.DataFrame({"baseline": ["tempo_1nn"] * 2, "fold": [0, 1], "accuracy": [50, 60]})
    folds = {v: [a - 5, a + 5] for v, a in zip(variants, accuracies, strict=True)}
    history = {"epoch": [1, 2], "train_loss": [2, 1.0], "validation_loss": [2, 1.5]}
    histories = [pd.DataFrame(history | {"validation_accuracy": [0.2, 0.6]})]
    drawn = {"accuracies": figures.accuracies(folds, dict.fromkeys(variants, 50.0))}
    drawn |= {f"curves-{v}": figures.learning_curves(histories) for v in variants}
    return Page(
        name=HOSTILE,
        headline=page_content.headline(table, baselines),
        warnings=[HOSTILE],
        legend="Accuracy.",
        columns=table_section.table_columns(table),
        rows=table_section.table_rows(table, folds),
        baselines=table_section.baseline_rows(baselines),
        pairs=[],
        networks=[network(v, n) for n, v in enumerate(variants)],
        best="time",
        replicas={
            "rows": [
                {"first": HOSTILE, "second": "b", "verdict": "doubtful"}
                | {"score": "0.91", "folds": ["0", "skipped"]}
            ],
            "more": 3,
        },
        costs=[{"variant": "time", "numbers": [1, "2", "20", "2.0", "2.0", "300"]}],
        provenance="By us.",
        licence="Free.",
        configuration=f"name: {HOSTILE}",
        figures={name: svg.inline(svg.text_of(f, name), name) for name, f in drawn.items()},
        players={HOSTILE: 0},
        sound_data=json.dumps(["AAAA"]),
    )


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
                assert value is None or value.startswith("#"), (tag, value)
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

    def test_empty_sections_are_not_shown(self, page):
        text = page.html()
        for section in ("differences", "temporal", "spectral", "interventions", "sounds"):
            assert f'id="{section}"' not in text and f'href="#{section}"' not in text

    def test_a_missing_baseline_sorts_as_unknown(self, page):
        cells = [{c["title"]: c["value"] for c in row["cells"]} for row in page.rows]
        assert [row["Baseline"] for row in cells] == [90.0, "", 12.5]
        assert [row["Parameters"] for row in cells] == [3_275_312, 7336, 3368]
        assert [row["baseline"] for row in page.rows] == [90.0, None, 12.5]


def test_a_baseline_of_unknown_name_is_shown_by_its_name(page):
    baselines = pd.DataFrame({"baseline": ["of_mine"] * 2, "fold": [0, 1], "accuracy": [50, 60]})
    assert table_section.baseline_rows(baselines) == [("of_mine", "55.00 ± 5.00")]
    table = pd.DataFrame(
        {"variant": ["net"], "accuracy_mean": 1.0, "accuracy_std": 0.0, "n_folds": 3}
    )
    headline = page_content.headline(table, baselines)
    assert headline.startswith("net predicts 1.0 %") and "of_mine, predicts 55.0 %" in headline


def test_a_figure_is_reproducible_and_its_black_becomes_the_colour_of_the_text():
    texts = [
        svg.text_of(figures.accuracies({"net": [10.0, 20.0]}, {"net": 5.0}), "f") for _ in range(2)
    ]
    assert texts[0] == texts[1]
    element = svg.inline(texts[0], "f")
    assert svg.INK in texts[0] and svg.INK not in element and "currentColor" in element
    assert 'width="' not in element[: element.index(">")]


# Collects errors, then acts as a user does; the result replaces the document.
VISIT = """
<script>
const errors = [];
addEventListener("error", event => errors.push(event.message));
</script>
"""
ACT = """
<script>
addEventListener("load", () => {
  const names = () => [...document.querySelectorAll("#table tbody")[0].rows].map(
    row => row.cells[0].textContent);
  const head = title => [...document.querySelectorAll("#table thead button")].find(
    button => button.textContent === title);
  const shown = () => [...document.querySelectorAll(".network")].filter(
    network => !network.hidden).map(network => network.querySelector("h3").textContent);
  const result = {width: innerWidth, overflow: document.documentElement.scrollWidth - innerWidth};
  result.first = shown();
  head("Parameters").click();
  result.ascending = names();
  head("Parameters").click();
  result.descending = names();
  result.sorted = head("Parameters").closest("th").getAttribute("aria-sort");
  head("Baseline").click();
  result.baseline = names();
  const chooser = document.getElementById("network");
  chooser.value = "2";
  chooser.dispatchEvent(new Event("change"));
  result.chosen = shown();
  result.sound = document.querySelector("audio").src;
  result.errors = errors;
  document.documentElement.textContent = "RESULT" + JSON.stringify(result) + "END";
});
</script>
"""


@pytest.mark.workflow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
@pytest.mark.parametrize("width", [1400, 360])
def test_in_a_browser_it_sorts_selects_and_fits(page, tmp_path, width):
    text = page.html().replace("<head>", f"<head>{VISIT}").replace("</body>", f"{ACT}</body>")
    (tmp_path / "page.html").write_text(text)
    # A window of Chromium is at least 500 pixels wide; a frame can be narrower.
    frame = f'<iframe src="page.html" style="width: {width}px; height: 800px; border: 0"></iframe>'
    (tmp_path / "frame.html").write_text(f"<!doctype html>{frame}")
    command = [
        *(CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
        *(f"--window-size={width + 100},900", "--allow-file-access-from-files"),
        *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000", "--dump-dom"),
    ]
    frame_script = (
        "<script>onload = () => setTimeout(() => { document.body.textContent = "
        "document.querySelector('iframe').contentDocument.documentElement.textContent; }, 500)"
        "</script>"
    )
    with (tmp_path / "frame.html").open("a") as file:
        file.write(frame_script)
    done = subprocess.run(
        [*command, (tmp_path / "frame.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    result = json.loads(re.search(r"RESULT(.*?)END", done.stdout)[1])
    assert result["errors"] == []
    assert result["width"] == width and result["overflow"] <= 0
    assert result["first"] == ["time"], "the most accurate network"
    assert result["ascending"] == ["frequency", "time", "blackbox"]
    assert result["descending"] == ["blackbox", "time", "frequency"]
    assert result["sorted"] == "descending"
    assert result["baseline"] == ["frequency", "blackbox", "time"], "unknown values come last"
    assert result["chosen"] == ["frequency"]
    assert result["sound"] == "data:audio/mpeg;base64,AAAA"
