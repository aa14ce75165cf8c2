"""The notes below a table."""

import numpy as np
import pandas as pd

from tests.names import NAMES
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.results import table1
from workflow_scripts.results.notes import (
    alike_classes,
    lacking_in_test,
    legend,
    never_predicted_sentences,
    skipped,
    synthetic,
    tracks_of_two_classes,
)


def tracks(labels, folds):
    ids = np.arange(len(labels)).astype(str)
    classes = sorted(set(labels))
    return Tracks(
        ids, np.array(labels), ids, np.array(folds), classes, np.searchsorted(classes, labels)
    )


def test_the_legend_defines_each_accuracy():
    sentence = legend(tracks(["a", "b"] * 3, [0, 0, 1, 1, 2, 2]))
    assert "Accuracy:" in sentence and "Segments:" in sentence and "Classes:" in sentence
    assert "predicting one class only gives 50.0 for 2 classes" in sentence
    assert "over 3 folds" in sentence


def test_classes_that_are_never_predicted_are_named():
    found = never_predicted_sentences(
        {"time": ["folk", "jazz"], "good": [], "other": ["folk", "jazz"], "third": ["folk"]}
    )
    assert found == ["time, other never predict folk, jazz.", "third never predicts folk."]


def test_a_long_list_of_classes_is_cut():
    (sentence,) = never_predicted_sentences({"net": [f"c{number}" for number in range(300)]})
    assert sentence.endswith("c8, c9 and 290 more.") and len(sentence) < 100


def test_classes_that_a_fold_does_not_test():
    labels = ["a"] * 3 + [f"c{number:02d}" for number in range(30)]
    folds = [0, 1, 2] + [number % 2 for number in range(30)]
    sentence = lacking_in_test(tracks(labels, folds))
    assert sentence.startswith("No test track: fold 0 has none of c01, c03")
    assert "fold 2 has none of c00" in sentence and "and 20 more. The accuracy" in sentence
    assert lacking_in_test(tracks(["a", "b"] * 3, [0, 0, 1, 1, 2, 2])) == ""


def test_skipped_tracks():
    assert skipped(1) == "1 track was skipped; skipped.csv lists it with the reason."
    assert skipped(2) == "2 tracks were skipped; skipped.csv lists them with the reasons."
    assert skipped(0) == ""


def test_only_the_demo_is_synthetic():
    assert "synthetic" in synthetic("demo")
    assert synthetic("ballroom") == synthetic("folder") == ""


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
    return Tracks.of(frame, np.arange(len(labels)) % 2)


def test_classes_that_look_alike_are_named():
    note = alike_classes(of(["a", "A", "a\u200b", "b"] * 2, [*"12345678"]))
    assert note == (
        "Classes whose names differ only by blanks, invisible characters or case: "
        "'A' and 'a' and 'a\\u200b'."
    )


def test_tracks_of_two_classes_are_counted():
    note = tracks_of_two_classes(of(["a", "b", "b", "b"], ["1", "1", "2", "2"]))
    assert note.startswith("2 tracks have the same audio as a track of another class, so at least")


def test_tidy_labels_have_no_note():
    tidy = of(["a", "b", "a", "b", "a", "b"], [*"123456"])
    assert alike_classes(tidy) == tracks_of_two_classes(tidy) == ""
