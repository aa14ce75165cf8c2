"""Trained models as ONNX: they compute what the engines compute, and tell what they are."""

import json
import re
import shutil

import numpy as np
import onnx
import pandas as pd
import pytest

from tests import network_oracle
from tests.conftest import biased_weights, network_of, run_module
from tests.model_files import CLASSES, SCALER, onnx_of, trained
from tests.networks.test_architecture import TABLE_1
from workflow_scripts.audio.parameters import FRONT_END
from workflow_scripts.models import onnx_file
from workflow_scripts.models.runtime import BATCH, Session
from workflow_scripts.networks.engine import engine_class

# Of a probability.
TOLERANCE = 1e-5


def energies(n_segments, n_frames, seed=0):
    """Raw mel energies of ten decades, with silence among them."""
    rng = np.random.default_rng(seed)
    values = 10 ** rng.uniform(-9, 1, (n_segments, n_frames, 40))
    values[rng.random(values.shape) < 0.1] = 0
    return values.astype(np.float32)


@pytest.fixture(params=["mxnet", "torch"])
def engine_type(request):
    """Each engine; PyTorch where it is installed."""
    if request.param == "torch":
        pytest.importorskip("torch", reason="make env TORCH=1 installs PyTorch")
    return engine_class(request.param)


@pytest.mark.parametrize("variant", TABLE_1)
def test_it_computes_what_the_engine_does(engine_type, variant):
    network = network_of(variant)
    raw = energies(7, network.frames)
    weights = biased_weights(network)
    model = trained(network, classes="abcdefgh", weights=weights)
    inputs = (np.log1p(10000 * raw) - SCALER.mean) / SCALER.std
    inputs = inputs.transpose(0, 2, 1).astype(np.float32)
    engine = engine_type(network, weights, dropout=0.5, gpu=False)
    ours = Session(model.onnx_bytes()).probabilities(raw)
    assert np.abs(ours - engine.probabilities(inputs)).max() < TOLERANCE
    oracle, _ = network_oracle.forward(network, weights, inputs)
    assert np.abs(ours - oracle).max() < TOLERANCE
    # Not by saying the same of everything.
    assert np.ptp(ours, axis=0).max() > 0.01


@pytest.mark.parametrize("n_segments", [1, 2, BATCH, BATCH + 1])
def test_it_takes_any_number_of_segments(n_segments):
    raw = energies(BATCH + 1, 80)
    session = Session(onnx_of("frequency_32x1"))
    some, all_of_them = session.probabilities(raw[:n_segments]), session.probabilities(raw)
    assert some.shape == (n_segments, len(CLASSES))
    assert np.abs(some - all_of_them[:n_segments]).max() < 1e-6


def test_its_file_tells_what_it_is():
    model = onnx.load_from_string(onnx_of("time_1x60", fold=1))
    onnx.checker.check_model(model, full_check=True)
    told = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert told["classes"] == list(CLASSES)
    assert told["variant"] == "time_1x60" and told["fold"] == 1 and told["seed"] == 2016
    assert told["dataset"] == "clicks" and told["accuracy"] == 66.67
    assert told["front_end"] == FRONT_END
    assert told["network"]["trunks"]["time"]["filter"] == [1, 60]
    (given,) = model.graph.input
    shape = given.type.tensor_type.shape.dim
    assert [d.dim_param or d.dim_value for d in shape] == ["segments", 80, 40]


def test_the_same_model_gives_the_same_bytes(tmp_path):
    network = network_of("timefrequency", 3)
    for name in ("a", "b"):
        onnx_file.write(tmp_path / name, trained(network).onnx_bytes())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.slow
class TestOfARun:
    def test_every_model_is_exported(self, done):
        results = done[0] / "workflow/results/smoke"
        models = {
            path.parent.relative_to(results / "models")
            for path in results.rglob("*.npz")
            if "models" in path.parts
        }
        exported = {
            path.relative_to(results / "onnx").with_suffix("")
            for path in results.glob("onnx/*/*.onnx")
        }
        assert exported == models
        for log in results.glob("logs/export/*.log"):
            for error in re.findall(r"within (\S+) of the predictions", log.read_text()):
                assert float(error) < TOLERANCE

    def test_the_card_has_the_accuracies_of_the_predictions(self, done):
        results = done[0] / "workflow/results/smoke"
        card = (results / "onnx/time_1x60/MODEL_CARD.md").read_text()
        folds = [pd.read_csv(p) for p in sorted(results.glob("predictions/time_1x60/*.csv"))]
        right = [(fold["label"] == fold["predicted"]) for fold in folds]
        accuracies = [100 * fold.mean() for fold in right]
        assert f"{np.mean(accuracies):.2f} ± {np.std(accuracies):.2f} per cent" in card
        tracks = pd.concat(folds).assign(right=np.concatenate(right))
        for label, own in tracks.groupby("label"):
            assert f"| {label} | {len(own)} | {100 * own['right'].mean():.1f} |" in card
        for fold, accuracy in enumerate(accuracies):
            assert f"| {fold} | {len(folds[fold])} | {accuracy:.2f} |" in card
        assert "its rights are its owner's" in " ".join(card.split())

    def test_what_is_not_as_evaluated_is_not_exported(self, done, tmp_path):
        results = done[0] / "workflow/results/smoke"
        name = "time_1x60"
        predictions = tmp_path / "predictions"
        shutil.copytree(results / "predictions" / name, predictions)
        first = predictions / "fold-0.csv"
        table = pd.read_csv(first)
        table["probability_fast"] += 2e-5
        table.to_csv(first, index=False)
        n_folds = len(list(predictions.iterdir()))

        def of_each(folder, file):
            return [folder / file.format(k) for k in range(n_folds)]

        code, said = run_module(
            "steps.export",
            "--features", *sorted(results.glob("features/*.npy")),
            "--index", *sorted(results.glob("features/*.csv")),
            "--folds", results / "folds.csv",
            "--scaler", results / "scaler.json",
            "--architecture", "Time",
            "--weights", *of_each(results / "models" / name, "fold-{}/weights.npz"),
            "--fits", *of_each(results / "models" / name, "fold-{}/fit.json"),
            "--predictions", *of_each(predictions, "fold-{}.csv"),
            "--dataset", "folder",
            "--name", "smoke",
            "--onnx", *of_each(tmp_path / "onnx", "fold-{}.onnx"),
            "--card", tmp_path / "onnx/MODEL_CARD.md",
        )  # fmt: skip
        assert code == 1
        assert re.search(r"error: .*fold-0\.onnx would give probabilities that differ by 2", said)
        assert not (tmp_path / "onnx").exists()
