"""Names of classes stay text from the first table to the last figure, in a run of the workflow."""

import csv
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest
import yaml

from tests.conftest import clicks, only, write_wav
from tests.names import NAMES
from tests.runs import SMOKE, Workflow, made_once

# Twelve that become other values, formulas or markup, and one of another script.
CLASSES = sorted(
    [
        *("01", "1.10", "true", "nan", "null", "1e5", "2024-05-01"),
        *("$_$", "A$AP $Rocky", "R&B <b>|&amp;", "\\alpha \\textbf{x}", '"it\'s" `x`', "שלום"),
    ]
)
N_TRACKS = 3
TEMPI = {name: 60 + 10 * number for number, name in enumerate(CLASSES)}
VARIANTS = ["time_1x60", "frequency_32x1"]


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class Texts(HTMLParser):
    """The texts of a page in elements that match, by tag and a class of one of their parents."""

    def __init__(self, page):
        super().__init__()
        self._open, self._texts, self.found = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br", "input"):
            self._open.append((tag, dict(attrs).get("class", "")))
            self._texts.append([])
            self.found.append((list(self._open), self._texts[-1]))

    def handle_endtag(self, tag):
        self._open.pop()
        self._texts.pop()

    def handle_data(self, data):
        if self._texts:
            self._texts[-1].append(data)

    def within(self, tag, parent):
        return [
            "".join(texts)
            for path, texts in self.found
            if path[-1][0] == tag and any(class_ == parent for _, class_ in path)
        ]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The results of a run on CLASSES, each with a tempo of its own."""

    def make(home):
        rng = np.random.default_rng(0)
        for name, tempo in TEMPI.items():
            for number in range(N_TRACKS):
                path = home / "audio" / name / f"{number}.wav"
                write_wav(path, clicks(rng, tempo, 4))
                path.with_suffix(".bpm").write_text(f"{tempo}\n")
        own = {"training": {"max_epochs": 1}, "variants": only(**{v: {} for v in VARIANTS})}
        (home / "own.yaml").write_text(yaml.safe_dump(own))
        Workflow(home / "workflow")(SMOKE[0], SMOKE[1], "../own.yaml", *SMOKE[2:])

    return made_once(tmp_path_factory, "names", make) / "workflow/results/smoke"


def test_the_classes_are_among_the_names_of_the_other_tests():
    assert set(CLASSES) <= set(NAMES)


@pytest.mark.endurance
class TestNames:
    def test_tracks_and_folds(self, results):
        for file in ("tracks.csv", "folds.csv"):
            labels = [row["label"] for row in rows_of(results / file)]
            assert sorted(labels) == sorted(CLASSES * N_TRACKS)

    def test_predictions(self, results):
        for variant in VARIANTS:
            for csv_file in (results / "predictions" / variant).iterdir():
                for row in rows_of(csv_file):
                    assert row["label"] in CLASSES and row["predicted"] in CLASSES
                    assert row["track_id"].rpartition("/")[0] == row["label"]
                    votes = {name: int(row[f"votes_{name}"]) for name in CLASSES}
                    assert votes[row["predicted"]] == max(votes.values())
                    cast = [CLASSES[int(number)] for number in row["segments"].split()]
                    assert {n: cast.count(n) for n in CLASSES} == votes

    def test_filters_interventions_and_sounds(self, results):
        for variant in VARIANTS:
            affected = {
                row["most_affected_class"] for row in rows_of(results / f"filters/{variant}.csv")
            }
            assert affected <= {*CLASSES, ""} and len(affected) > 5
            counts = rows_of(results / f"interventions/{variant}.csv")
            for column in ("label", "unchanged", "predicted"):
                assert {row[column] for row in counts} <= set(CLASSES)
            assert {row["label"] for row in counts} == set(CLASSES)
        sounds = rows_of(results / "sounds/sounds.csv")
        assert sounds and {r["most_affected_class"] for r in sounds} <= {*CLASSES, ""}

    def test_accuracies_of_the_table(self, results):
        table = {row["variant"]: row for row in rows_of(results / "table1.csv")}
        assert list(table) == VARIANTS
        for variant, row in table.items():
            tracks, classes = [], []
            for csv_file in sorted((results / "predictions" / variant).iterdir()):
                rows = rows_of(csv_file)
                correct = {name: [] for name in CLASSES}
                for own in rows:
                    correct[own["label"]].append(own["label"] == own["predicted"])
                tracks.append(np.mean([c for own in correct.values() for c in own]))
                classes.append(np.mean([np.mean(own) for own in correct.values() if own]))
            assert float(row["accuracy_mean"]) == pytest.approx(100 * np.mean(tracks))
            assert float(row["class_accuracy_mean"]) == pytest.approx(100 * np.mean(classes))
            assert float(row["class_accuracy_std"]) == pytest.approx(100 * np.std(classes))

    def test_the_pages_tables_and_notes(self, results):
        page = Texts((results / "report.html").read_text(encoding="utf-8"))
        heads = page.within("th", "confusion")
        assert [h for h in heads if h] == CLASSES * len(VARIANTS)
        assert page.within("span", "confusion") == CLASSES * len(VARIANTS)
        errors = page.within("bdi", "errors")
        assert errors and {name for i, name in enumerate(errors) if i % 3} <= set(CLASSES)
        for variant in VARIANTS:
            predicted = {
                row["predicted"]
                for csv_file in (results / "predictions" / variant).iterdir()
                for row in rows_of(csv_file)
            }
            missing = [name for name in CLASSES if name not in predicted]
            notes = [w for w in page.within("p", "warning") if variant in w]
            assert not missing or any(all(m in note for m in missing[:10]) for note in notes)

    def test_figures(self, results):
        def texts(name):
            root = ET.parse(results / f"figures/{name}.svg").getroot()
            return [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]

        for variant in VARIANTS:
            found = texts(f"confusions-{variant}")
            assert all(found.count(name) == 2 for name in CLASSES)
            pairs = rows_of(results / f"figures/confusions-{variant}.csv")
            assert sum(int(row["tracks"]) for row in pairs) == N_TRACKS * len(CLASSES)
            assert {row["label"] for row in pairs} == set(CLASSES)
        titles = {
            re.sub(r" \(-?[\d.]+\)$", "", t) for t in texts("spectra-frequency_32x1-frequency")
        }
        drawn = {name if len(name) <= 16 else f"{name[:15]}…" for name in CLASSES}
        assert len(titles & drawn) >= 1
        assert not {t for t in titles if "$" in t} - drawn

    def test_models(self, results):
        import onnx

        model = onnx.load(results / "onnx/time_1x60/fold-0.onnx")
        (classes,) = (p.value for p in model.metadata_props if p.key == "classes")
        assert json.loads(classes) == CLASSES
