"""docs/results.ipynb runs on finished results and shows their numbers."""

import json
import re

import nbformat
import numpy as np
import pandas as pd
from nbclient import NotebookClient

from tests.conftest import ROOT
from tests.runs import DATA

NOTEBOOK = ROOT / "docs/results.ipynb"
FIRST, SECOND = "time_1x60", "timefrequency_init"


def test_it_is_saved_without_outputs():
    for cell in json.loads(NOTEBOOK.read_text())["cells"]:
        assert not cell.get("outputs") and cell.get("execution_count") is None


def executed(results):
    """The notebook after all its cells have run on a folder of results."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    settings = notebook.cells[1]
    assert settings.source.startswith('RESULTS = "results/quick"')
    settings.source = settings.source.replace('"results/quick"', repr(str(results)))
    place = {"metadata": {"path": str(ROOT / "docs")}}
    return NotebookClient(notebook, timeout=300, resources=place).execute()


def test_it_plots_filters_and_confusions_and_compares_two_networks(done):
    results = done[0] / "workflow" / DATA
    cells = [cell for cell in executed(results).cells if cell.cell_type == "code"]
    shown = [output for cell in cells for output in cell.outputs]
    images = [output for output in shown if "image/png" in output.get("data", {})]
    assert len(images) == 2 and not any(output.output_type == "error" for output in shown)
    assert not [o.text for o in shown if o.get("name") == "stderr"], "no warnings"

    accuracies = {}
    for variant in (FIRST, SECOND):
        files = sorted((results / "predictions" / variant).glob("*.csv"))
        tables = [pd.read_csv(file, dtype=str) for file in files]
        accuracies[variant] = [100 * (t["label"] == t["predicted"]).mean() for t in tables]
    difference = np.mean(accuracies[FIRST]) - np.mean(accuracies[SECOND])
    (line,) = (output.text for output in shown if output.get("name") == "stdout")
    found = re.fullmatch(rf"{FIRST} - {SECOND}: (\S+) ± \S+ percentage points, p = (\S+)\n", line)
    assert float(found[1]) == np.round(difference, 2)
    assert 0 <= float(found[2]) <= 1
