"""The notes below a table."""

import numpy as np
import pandas as pd

from tests.names import NAMES
from workflow_scripts.dataset import replicas
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.results import table1
from workflow_scripts.results.notes import never_predicted_sentences, notes

NO_PAIRS = pd.DataFrame(columns=replicas.COLUMNS)


def tracks(labels, folds):
    ids = np.arange(len(labels)).astype(str)
    classes = sorted(set(labels))
    return Tracks(
        ids, np.array(labels), ids, np.array(folds), classes, np.searchsorted(classes, labels)
    )


def test_the_legend_defines_each_accuracy():
    legend, *others = notes(
        tracks(["a", "b"] * 3, [0, 0, 1, 1, 2, 2]), NO_PAIRS, 0, "folder", {"net": []}
    )
    assert "Accuracy:" in legend and "Segments:" in legend and "Classes:" in legend
    assert "predicting one class only gives 50.0 for 2 classes" in legend
    assert "over 3 folds" in legend
    assert others == []


def test_classes_that_are_never_predicted_are_named():
    found = never_predicted_sentences(
        {"time": ["folk", "jazz"], "good": [], "other": ["folk", "jazz"], "third": ["folk"]}
    )
    assert found == ["time, other never predict folk, jazz.", "third never predicts folk."]


def test_a_long_list_of_classes_is_cut():
    (sentence,) = never_predicted_sentences({"net": [f"c{number}" for number in range(300)]})
    assert sentence.endswith("c8, c9 and 290 more.") and len(sentence) < 100


def test_missing_test_classes_and_skipped_tracks():
    labels = ["a"] * 3 + [f"c{number:02d}" for number in range(30)]
    folds = [0, 1, 2] + [number % 2 for number in range(30)]
    found = notes(tracks(labels, folds), NO_PAIRS, 1, "folder", {})
    assert any("The test set of fold 2 has no track of c00" in s for s in found)
    assert any("and 20 more." in s for s in found)
    assert "1 track was skipped; skipped.csv lists it with the reason." in found
    two = notes(tracks(labels, folds), NO_PAIRS, 2, "folder", {})
    assert "2 tracks were skipped; skipped.csv lists them with the reasons." in two


def unescaped(markdown):
    """Markdown's text: a backslash before punctuation is not shown."""
    characters = iter(markdown)
    return "".join(next(characters) if c == "\\" else c for c in characters)


def test_names_in_markdown_are_escaped():
    for name in NAMES:
        shown = table1.markdown(pd.DataFrame({"Variant": ["time_1x60"]}), "T", [name])
        last = shown.splitlines()[-1]
        assert unescaped(last) == name
        bare = last.replace("\\\\", "")
        for c in "`*[]<>|#&$~":
            assert bare.count(c) == bare.count(f"\\{c}"), (name, c)
    assert "| time_1x60 |" in shown, "an underscore within a word needs no escape"
    assert table1.markdown(pd.DataFrame({"V": []}), "T", ["_x_"]).endswith("\\_x\\_\n")


def test_names_in_latex_are_escaped():
    table = pd.DataFrame({"Variant": ["x"]})
    latex = table1.latex(table, "T", ["\\a{b}^_%#$&~ <b>|"])
    assert (
        r"\textbackslash{}a\{b\}\textasciicircum{}\_\%\#\$\&\textasciitilde{} "
        r"\textless{}b\textgreater{}\textbar{}"
    ) in latex


def of(labels, digests):
    frame = pd.DataFrame({"track_id": range(len(labels)), "label": labels, "digest": digests})
    return notes(Tracks.of(frame, np.arange(len(labels)) % 2), NO_PAIRS, 0, "folder", {})


def test_classes_that_look_alike_are_named():
    (note,) = (
        note
        for note in of(["a", "A", "a\u200b", "b"] * 2, [*"12345678"])
        if "Classes whose" in note
    )
    assert note == (
        "Classes whose names differ only by blanks, invisible characters or case: "
        "'A' and 'a' and 'a\\u200b'."
    )


def test_tracks_of_two_classes_are_counted():
    (note,) = (
        note for note in of(["a", "b", "b", "b"], ["1", "1", "2", "2"]) if "another class" in note
    )
    assert note.startswith("2 tracks have the same audio as a track of another class, so at least")


def test_tidy_labels_have_no_note():
    assert len(of(["a", "b", "a", "b", "a", "b"], [*"123456"])) == 3, "legend, and classes of folds"
