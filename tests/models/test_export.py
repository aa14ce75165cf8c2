"""Trained models as ONNX: same probabilities as the engines, and complete metadata."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest

from tests import network_oracle
from tests.conftest import biased_weights, network_of
from tests.deep_networks import DEEP, DESCRIPTIONS
from tests.model_files import CLASSES, PAPERS, SCALER, metadata_of, onnx_of, trained
from tests.networks.test_architecture import TABLE_1
from tests.runs import run_module, shared_files
from workflow_scripts import checked_tables
from workflow_scripts.dataset import split
from workflow_scripts.dataset.level import AS_RECORDED, TrainingLevel
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.errors import UserError
from workflow_scripts.models import limits, method, model_card, onnx_file
from workflow_scripts.models.onnx_file import TrainedNetwork
from workflow_scripts.models.runtime import BATCH, Session
from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.engine import engine_class
from workflow_scripts.networks.identity import ModelKey
from workflow_scripts.results import checked_predictions, provenance
from workflow_scripts.steps import export

FIT = {
    "training": {"learning_rate": 0.01},
    "augmentation": {},
    "sampling": "contiguous",
    "validation": "tracks",
    "seed": 1,
    "versions": {"numpy": "1"},
    "commit": None,
    "explosion": None,
}
LEVEL = TrainingLevel(AS_RECORDED, -30, -20)
TRACKS = pd.DataFrame({name: ["fast", "slow"] for name in ("track_id", "label", "digest")})
# Difference of a probability.
TOLERANCE = 1e-5


def energies(n_segments, n_frames, seed=0):
    """Raw mel energies over ten decades; a tenth of them is 0."""
    rng = np.random.default_rng(seed)
    values = 10 ** rng.uniform(-9, 1, (n_segments, n_frames, 40))
    values[rng.random(values.shape) < 0.1] = 0
    return values.astype(np.float32)


@pytest.fixture(params=["mxnet", "torch"])
def engine_type(request):
    """Each engine; PyTorch only if it is installed."""
    if request.param == "torch":
        pytest.importorskip("torch", reason="make env TORCH=1 installs PyTorch")
    return engine_class(request.param)


@pytest.mark.parametrize("variant", TABLE_1)
def test_probabilities_are_those_of_the_engine(engine_type, variant):
    network = network_of(variant)
    raw = energies(7, network.frames)
    weights = biased_weights(network)
    model = trained(network, classes="abcdefgh", weights=weights)
    inputs = (np.log1p(10000 * raw) - SCALER.mean) / SCALER.std
    inputs = inputs.transpose(0, 2, 1).astype(np.float32)
    engine = engine_type(network, weights, dropout=0.5, gpu=False)
    probabilities = Session(model.onnx_bytes()).probabilities(raw)
    assert np.abs(probabilities - engine.probabilities(inputs)).max() < TOLERANCE
    oracle, _ = network_oracle.forward(network, weights, inputs)
    assert np.abs(probabilities - oracle).max() < TOLERANCE
    # They differ between segments.
    assert np.ptp(probabilities, axis=0).max() > 0.01


def test_a_network_of_the_most_layers_is_read():
    layers = [
        {"convolution": [1, 1], "n_filters": 2},
        {"batch_normalisation": True},
    ] * (limits.MOST_LAYERS // 2)
    trunks = {"deep": {"layers": layers}}
    described = {"input_frames": 80, "trunks": trunks, "hidden": 0, "init": {}}
    network = Network.from_config(described, 40, 3)
    limits.check(network, 44100 / 1024)
    about = replace(metadata_of(network), network=described)
    model = TrainedNetwork(about, biased_weights(network), SCALER)
    assert onnx_file.read(model.onnx_bytes()).network.n_parameters() == network.n_parameters()
    graph = onnx.load_from_string(model.onnx_bytes()).graph
    assert len(graph.node) + len(graph.initializer) < 400 < limits.MOST_FIELDS


@pytest.mark.parametrize("name", DEEP)
def test_a_network_of_many_layers_is_exported_and_read(name):
    network = DEEP[name]
    weights, raw = biased_weights(network), energies(7, network.frames)
    about = replace(metadata_of(network, classes="abcde"), network=DESCRIPTIONS[name])
    model = TrainedNetwork(about, weights, SCALER)
    onnx.checker.check_model(onnx.load_from_string(model.onnx_bytes()), full_check=True)
    probabilities = Session(model.onnx_bytes()).probabilities(raw)
    inputs = (np.log1p(10000 * raw) - SCALER.mean) / SCALER.std
    oracle, _ = network_oracle.forward(network, weights, inputs.transpose(0, 2, 1))
    assert np.abs(probabilities - oracle).max() < TOLERANCE
    again = onnx_file.read(model.onnx_bytes())
    assert again.network.parameter_shapes() == network.parameter_shapes()
    assert all(np.array_equal(again.weights[name], array) for name, array in weights.items())


@pytest.mark.parametrize("n_segments", [1, 2, BATCH, BATCH + 1])
def test_any_number_of_segments_is_accepted(n_segments):
    raw = energies(BATCH + 1, 80)
    session = Session(onnx_of("frequency_32x1"))
    first, complete = session.probabilities(raw[:n_segments]), session.probabilities(raw)
    assert first.shape == (n_segments, len(CLASSES))
    assert np.abs(first - complete[:n_segments]).max() < 1e-6


def test_a_file_has_the_metadata():
    model = onnx.load_from_string(onnx_of("time_1x60", fold=1))
    onnx.checker.check_model(model, full_check=True)
    metadata = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert metadata["classes"] == list(CLASSES)
    assert metadata["variant"] == "time_1x60" and metadata["fold"] == 1 and metadata["seed"] == 2016
    assert metadata["dataset"] == "clicks" and metadata["accuracy"] == 66.67
    assert metadata["format"] == 3
    assert {**metadata, **method.entries(PAPERS, 80)} == metadata
    assert metadata["front_end"]["hop_size"] == 1024
    assert metadata["graph"]["compression"] == 10_000
    assert metadata["network"]["trunks"]["time"]["filter"] == [1, 60]
    (graph_input,) = model.graph.input
    shape = graph_input.type.tensor_type.shape.dim
    assert [d.dim_param or d.dim_value for d in shape] == ["segments", 80, 40]


def test_the_same_model_gives_the_same_bytes(tmp_path):
    network = network_of("timefrequency", 3)
    for name in ("a", "b"):
        onnx_file.write(tmp_path / name, trained(network).onnx_bytes())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_card_has_every_entry_of_the_metadata():
    card = model_card.text(
        "folder",
        "clicks",
        [replace(metadata_of(network_of("time_1x60"), fold=k), level=LEVEL) for k in range(2)],
        [FIT, FIT],
        Tracks.of(TRACKS, np.array([0, 1])),
        [pd.DataFrame({"label": ["fast"], "predicted": ["slow"]})] * 2,
        1e-7,
    )
    for entries in method.entries(PAPERS, 80).values():
        for key, value in (entries | entries.get("silence", {})).items():
            text = value if isinstance(value, str) else f"`{json.dumps(value)}`"
            assert f"- `{key}`: {text}\n" in card or (key == "silence" and "- `silence`:" in card)
    assert "{" not in card
    assert "\n- any never predicts fast, middle.\n" in card


@pytest.mark.parametrize(("n", "correct"), [(3, (0, 1)), (6, (0, 1)), (7, (0, 5))])
def test_the_accuracy_on_the_card_is_that_of_table_1(n, correct):
    """Not that of accuracies rounded before: with these numbers, the last digit would differ."""
    folds = [
        pd.DataFrame({"label": ["fast"] * n, "predicted": ["fast"] * k + ["slow"] * (n - k)})
        for k in correct
    ]
    accuracies = [100 * k / n for k in correct]
    network = network_of("time_1x60")
    metadata = [
        replace(metadata_of(network, fold=k), accuracy=round(accuracy, 2), n_test_tracks=n)
        for k, accuracy in enumerate(accuracies)
    ]
    tracks = Tracks.of(TRACKS, np.array([0, 1]))
    card = model_card.text("folder", "any", metadata, [FIT, FIT], tracks, folds, 1e-7)
    assert f" {np.mean(accuracies):.2f} ± {np.std(accuracies):.2f} % of the tracks" in card


def test_a_model_that_the_labeller_would_refuse_is_not_written():
    for classes, reason in (("ab ", "which is blank"), (("a", "b\tc"), "control character")):
        network = network_of("time_1x60", len(classes))
        data = trained(network, classes=tuple(classes)).onnx_bytes()
        with pytest.raises(UserError, match=rf"fold-0.onnx cannot be written, .*{reason}"):
            export.check(data, Path("fold-0.onnx"), Path("weights.npz"))


class TestFinishedRun:
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
        correct = [(fold["label"] == fold["predicted"]) for fold in folds]
        accuracies = [100 * fold.mean() for fold in correct]
        assert f"{np.mean(accuracies):.2f} ± {np.std(accuracies):.2f} % of the tracks" in card
        tracks = pd.concat(folds).assign(correct=np.concatenate(correct))
        for label, own in tracks.groupby("label"):
            assert f"| {label} | {len(own)} | {100 * own['correct'].mean():.1f} |" in card
        for fold, accuracy in enumerate(accuracies):
            assert f"| {fold} | {len(folds[fold])} | {accuracy:.2f} |" in card
        assert "its owner holds the rights" in " ".join(card.split())
        level = json.loads((results / "scaler.json").read_text())["folds"][0]["level"]
        lowest, highest = re.search(r"training tracks, .* is (\S+) to (\S+) dB", card).groups()
        assert float(lowest) <= level["lowest"] + 0.05 and float(highest) >= level["highest"] - 0.05

    def test_a_model_that_differs_from_its_predictions_is_not_exported(self, done, tmp_path):
        results = done[0] / "workflow/results/smoke"
        name = "time_1x60"
        predictions = tmp_path / "predictions"
        shutil.copytree(results / "predictions" / name, predictions)
        first = predictions / "fold-0.csv"
        table = pd.read_csv(first).drop(columns=checked_tables.COLUMN)
        table["probability_fast"] += 2e-5
        tracks = split.read(results / "folds.csv")
        key = ModelKey.of(name, 0, tracks)
        fit = provenance.read(results / f"models/{name}/fold-0/fit.json", key)
        checked_predictions.write(first, table, tracks, checked_predictions.Origin.of(fit))
        n_folds = len(list(predictions.iterdir()))

        def of_each_fold(folder, file):
            return [folder / file.format(k) for k in range(n_folds)]

        features = shared_files(results, "*/shard-*.npy")
        code, output = run_module(
            "steps.export",
            "--features", *features,
            "--index", *(npy.with_suffix(".csv") for npy in features),
            "--folds", results / "folds.csv",
            "--scaler", results / "scaler.json",
            "--variant", name,
            "--architecture", "Time",
            "--weights", *of_each_fold(results / "models" / name, "fold-{}/weights.npz"),
            "--fits", *of_each_fold(results / "models" / name, "fold-{}/fit.json"),
            "--predictions", *of_each_fold(predictions, "fold-{}.csv"),
            "--dataset", "folder",
            "--name", "smoke",
            "--onnx", *of_each_fold(tmp_path / "onnx", "fold-{}.onnx"),
            "--card", tmp_path / "onnx/MODEL_CARD.md",
        )  # fmt: skip
        assert code == 1
        assert re.search(r"error: .*fold-0\.onnx would differ by 2", output)
        assert not (tmp_path / "onnx").exists()
