"""The report of many classes or many tracks: memory, size, and that nothing is lost."""

import csv
import json
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.fake_results import FakeResults
from tests.names import NAMES
from workflow_scripts.report.confusions import MOST_CLASSES

# Resource mem_mb of the rule report; the interpreter and its libraries take 170 MB of it.
DECLARED_MB = 2000
RUN = """
import json, sys
from pathlib import Path
if __name__ == "__main__":
    from workflow_scripts.steps import report
    report.main(json.loads(sys.argv[1]))
    # Unlike ru_maxrss, this does not include the process that started this one.
    (peak,) = (s for s in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in s)
    print("MB", int(peak.split()[1]) / 1e3)
"""


def report(results):
    """Write the report in a process of its own; return its peak memory in MB, and the page."""
    (results.folder / "figures").mkdir()
    script = results.folder / "run.py"
    script.write_text(RUN)
    done = subprocess.run(
        [sys.executable, script, json.dumps(results.report_arguments())],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    page = (results.folder / "report.html").read_text(encoding="utf-8")
    return float(re.search(r"MB (.*)", done.stdout)[1]), page


def test_the_declared_memory():
    assert f"mem_mb=growing({DECLARED_MB})" in (ROOT / "rules/report.smk").read_text()


@pytest.mark.endurance
def test_three_hundred_classes(tmp_path):
    classes = [*NAMES, *(f"style {number:03d}" for number in range(300 - len(NAMES)))]
    results = FakeResults(tmp_path / "r", classes, 1500, ["time_1x60", "frequency_32x1"])
    memory, page = report(results)
    # Before figures and tables were limited: 8 GB and a page of 70 MB.
    assert memory < 0.3 * DECLARED_MB
    assert len(page) < 2e6
    assert f"The table shows {MOST_CLASSES} of 300 classes" in page
    assert page.count('<th scope="row" title=') == 2 * MOST_CLASSES
    with (tmp_path / "r/figures/confusions-time_1x60.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["tracks"]) for row in rows) == 1500
    assert {row["label"] for row in rows} == set(classes)
    changes = re.search(r"Changed predictions: .* of (\d+) more classes", page)
    assert changes and int(changes[1]) > 200


@pytest.mark.endurance
def test_a_hundred_thousand_tracks(tmp_path):
    classes = [f"style {number}" for number in range(5)]
    results = FakeResults(tmp_path / "r", classes, 100_000, ["time_1x60"], n_segments=2)
    memory, page = report(results)
    assert memory < 0.5 * DECLARED_MB
    assert len(page) < 1e6
