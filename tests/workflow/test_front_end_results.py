"""The table and the page of a whole run with the front end that docs/configuration.md shows."""

import html
import json
import re

import pandas as pd
import pytest
import yaml

from tests.conftest import ROOT, only
from tests.runs import finished
from workflow_scripts.audio.parameters import FrontEnd

# The section's example, in YAML.
EXAMPLE = (ROOT / "docs/configuration.md").read_text(encoding="utf-8").split("## Front end")[1]
OVERLAY = yaml.safe_load(re.search(r"```yaml\n(.*?)```", EXAMPLE, re.DOTALL)[1])
# The paper's networks for as many seconds and all bands.
TIME = {"filter": [1, 87], "pool": [96, 1]}
FREQUENCY = {"filter": [76, 1], "pool": [1, 116]}
VARIANTS = {
    "time_1x60": {"input_frames": 116, "trunks": {"time": TIME}},
    "frequency_32x1": {"input_frames": 116, "trunks": {"frequency": FREQUENCY}},
    "timefrequency_init": {
        "input_frames": 116,
        "trunks": {"time": TIME, "frequency": FREQUENCY},
    },
}


@pytest.mark.endurance
def test_a_whole_run_with_another_front_end(workflow, audio):
    small = {"preset_name": "other", "shards": 2, "folds": 3, "training": {"max_epochs": 2}}
    overlay = OVERLAY | small | {"variants": only(**VARIANTS)}
    (workflow.folder / "other.yaml").write_text(yaml.safe_dump(overlay))
    arguments = ("--configfile", "other.yaml", "--config", "dataset=folder", "audio_dir=../audio")
    assert finished(workflow(*arguments))["report"] == 1
    results = workflow.folder / "results/other"

    front_end = FrontEnd(16000, 512, 256, n_bands=96, max_frequency=8000, compression=None)
    assert set(pd.read_csv(results / "folds.csv")["front_end"]) == {front_end.key}
    fit = json.loads((results / "models/timefrequency_init/fold-1/fit.json").read_text())
    assert fit["front_end"] == front_end.settings
    assert pd.read_csv(results / "table1.csv")["n_bands"].tolist() == 3 * [96]
    assert (results / "table1.md").read_text().count("(96, 116)") == 3

    page = text_of((results / "report.html").read_text(encoding="utf-8"))
    for part in (
        "at 16 kHz with 96 bands, computed with Essentia from frames of 512 samples with a hop of "
        "256 (16 ms)",
        "Energies are not compressed",
        "segments of 116 frames (1.9 s)",
        "n = 87 frames (1.4 s)",
        "m = 76 of 96 mel bands (79 %)",
    ):
        assert part in page, part
    assert not re.search(r"44\.1|23 ms|\b40 (mel )?bands|10000", page)

    # Nothing is replaced silently, and what is trained with one front end is not used with another.
    output = workflow("-n", *arguments, "front_end={min_frequency: 100}")
    assert "would replace 9 finished trainings" in output
    assert "front_end.min_frequency 0.0 -> 100.0" in output


def text_of(page):
    """The text of a page, without its scripts, styles and figures."""
    page = re.sub(r"<(script|style|svg).*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))
