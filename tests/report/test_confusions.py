"""Confusions: counts, the sentence on them, and the part that fits a page."""

import csv

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.report import confusions
from workflow_scripts.report.confusions import MOST_CLASSES, OTHERS, Confusions


def of(pairs, classes):
    """The confusions of {(label, predicted): number of tracks}."""
    rows = [pair for pair, n in pairs.items() for _ in range(n)]
    return Confusions.of(pd.DataFrame(rows, columns=["label", "predicted"]), classes)


def test_few_classes_are_all_shown():
    shown = of(
        {("a", "a"): 1, ("a", "b"): 2, ("b", "a"): 1, ("b", "b"): 1}, ["a", "b", "c"]
    ).shown()
    assert shown.counts.tolist() == [[1, 2, 0], [1, 1, 0], [0, 0, 0]]
    assert shown.shares[0].tolist() == pytest.approx([1 / 3, 2 / 3, 0])
    assert shown.rows == shown.columns == ["a", "b", "c"] and not shown.is_limited


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        ({("a", "b"): 2, ("a", "a"): 1}, "2 of 3 tracks of a are predicted as b."),
        ({("a", "b"): 1, ("a", "a"): 1}, "1 of 2 tracks of a is predicted as b."),
        ({("a", "b"): 1}, "1 of 1 track of a is predicted as b."),
        ({("a", "a"): 3, ("b", "c"): 2, ("c", "b"): 3}, "3 of 3 tracks of c are predicted as b."),
    ],
)
def test_the_most_frequent_confusion(pairs, sentence):
    assert of(pairs, ["a", "b", "c"]).sentence() == f"Most frequent confusion: {sentence}"


def test_no_confusion():
    assert "does not confuse any classes" in of({("a", "a"): 3}, ["a", "b"]).sentence()


class TestManyClasses:
    classes = tuple(f"class {number:03d}" for number in range(300))

    def pairs(self):
        right = {(name, name): 4 for name in self.classes}
        # The last classes are confused most, each with the one before it.
        wrong = {(self.classes[i], self.classes[i - 1]): 2 + i // 250 for i in range(1, 300)}
        return right | wrong

    def test_the_most_confused_classes_have_a_row(self):
        shown = of(self.pairs(), self.classes).shown()
        assert len(shown.rows) == MOST_CLASSES and shown.rows == sorted(shown.rows)
        assert shown.rows[0] == "class 249" and shown.is_limited and shown.n_classes == 300
        assert shown.columns == [*shown.rows, OTHERS]
        assert shown.counts.shape == (MOST_CLASSES, MOST_CLASSES + 1)

    def test_predictions_of_other_classes_are_counted_in_the_last_column(self):
        shown = of(self.pairs(), self.classes).shown()
        assert shown.counts.sum(axis=1).tolist() == [6] + [7] * (MOST_CLASSES - 1)
        assert shown.counts[0, -1] == 2 and not shown.counts[1:, -1].any()
        assert shown.shares.sum(axis=1).tolist() == pytest.approx([1] * MOST_CLASSES)

    def test_without_confusions_the_first_classes_are_shown(self):
        shown = of({(name, name): 1 for name in self.classes}, self.classes).shown()
        assert tuple(shown.rows) == self.classes[:MOST_CLASSES]
        assert np.array_equal(shown.counts[:, :-1], np.eye(MOST_CLASSES, dtype=int))

    def test_the_table_has_every_pair(self, tmp_path):
        pairs = self.pairs()
        of(pairs, self.classes).table().to_csv(tmp_path / "c.csv", index=False)
        with (tmp_path / "c.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert {(r["label"], r["predicted"]): int(r["tracks"]) for r in rows} == pairs
        assert len(rows) == len(pairs)


def test_the_number_of_cells_does_not_depend_on_the_number_of_classes(monkeypatch):
    # A matrix of 100 000 x 100 000 numbers would take 80 GB.
    classes = [str(number) for number in range(100_000)]
    monkeypatch.setattr(confusions, "MOST_CLASSES", 3)
    found = of({("7", "5"): 2, ("99999", "99999"): 1}, classes)
    assert "2 of 2 tracks of 7 are predicted as 5" in found.sentence()
    assert found.shown().rows == ["0", "5", "7"]
