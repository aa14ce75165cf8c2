"""A run with networks of many layers, from audio to the report and models that label."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.conftest import only
from tests.runs import DATA, SMOKE
from workflow_scripts.networks.architecture import Network

LAYERS = [
    {"convolution": [5, 5], "n_filters": 3, "padding": "same"},
    {"batch_normalisation": True},
    {"pool": [4, 2]},
    {"add": [{"convolution": [1, 7], "n_filters": 3, "padding": "same"}]},
    {"dropout": 0.1},
]
BACK_END = [{"convolution": ["all", 3], "n_filters": 4}, {"global_pool": ["max", "mean"]}]
LAYERED = {
    "architecture": "Black-box",
    "input_frames": 80,
    "trunks": {"square": {"layers": LAYERS}},
    "back_end": [*BACK_END, {"dense": 6}],
    "training": {"batch_size": 4},
}
STARTED = LAYERED | {"init": {"square": "layered"}, "back_end": [{"global_pool": ["max"]}]}


@pytest.mark.endurance
def test_networks_of_many_layers_run_to_the_report_and_label(workflow, audio):
    variants = only(layered=LAYERED, started=STARTED)
    (workflow.folder / "own.json").write_text(json.dumps({"variants": variants}))
    workflow(SMOKE[0], SMOKE[1], "own.json", *SMOKE[2:])
    results = workflow.folder / DATA
    table = pd.read_csv(results / "table1.csv").set_index("variant")
    assert table["filter"].to_dict() == dict.fromkeys(("layered", "started"), "(5, 5)/(1, 7)")
    described = LAYERED | {"hidden": 0}
    count = Network.from_config(described, 40, 3).n_parameters()
    assert table.loc["layered", "parameters"] == count
    shapes = Network.from_config(described, 40, 3).weight_shapes()
    with np.load(results / "models/layered/fold-0/weights.npz") as weights:
        assert {name: weights[name].shape for name in shapes} == shapes
        # Training has updated the running statistics.
        assert (weights["square.2.variance"] != 1).all()
    filters = pd.read_csv(results / "filters/layered.csv", comment="#")
    assert len(filters) == 3 * 3 and filters["strength"].notna().all()
    assert "layered" in (results / "report.html").read_text()
    assert (results / "onnx/started/fold-2.onnx").stat().st_size
