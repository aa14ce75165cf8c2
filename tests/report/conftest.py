"""A page of the report to test: three networks, and names that need escaping."""

import json

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.report import figures, outcomes, svg, table_section
from workflow_scripts.report.confusions import Shown
from workflow_scripts.report.page import Page

HOSTILE = "<script>alert(1)</script> \"x' & y"
CLASSES = ["a", "b", HOSTILE]


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
            "n_seeds": 1,
            "n_bands": 40,
            "paper_accuracy_mean": np.nan,
            "paper_accuracy_std": np.nan,
            "baseline": "modulation_scale_spectrum",
            "baseline_accuracy": [90.0, np.nan, 12.5],
            "paper_baseline_accuracy": np.nan,
            "class_accuracy_mean": accuracies,
            "class_accuracy_std": 5.0,
            "accuracy_std_seeds": np.nan,
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
        headline="time is the most accurate of 3 networks.",
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
        facts=[("Data set", HOSTILE), ("Tracks", "12")],
        bibtex=f"@misc{{{HOSTILE}}}",
        methods=[HOSTILE],
        figures={name: svg.inline(svg.text_of(f, name), name) for name, f in drawn.items()},
        findings={f"curves-{v}": HOSTILE for v in variants},
        data={f"curves-{v}": f"epoch,{HOSTILE}\r\n1,ä\r\n" for v in variants},
        players={HOSTILE: 0},
        sound_data=json.dumps(["AAAA"]),
    )
