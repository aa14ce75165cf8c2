"""The GPU code of the PyTorch engine, as far as it can be tested without a GPU."""

import ast
import contextlib
import sys
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="make env TORCH=1 installs PyTorch")

from tests.conftest import ROOT, biased_weights, network_of  # noqa: E402
from tests.deep_networks import DEEP  # noqa: E402
from tests.networks.test_engine import some_data  # noqa: E402
from workflow_scripts.errors import UserError  # noqa: E402
from workflow_scripts.networks import (  # noqa: E402
    engine_torch,
    torch_device,
    torch_side_by_side,
    torch_steps,
)
from workflow_scripts.workflow.code_digests import code_of  # noqa: E402


def test_the_engine_and_its_benchmark_import_only_numpy_and_pytorch():
    files = [ROOT / path for path in code_of("networks/engine_torch", "networks/side_by_side")]
    files += [
        *(ROOT / f"workflow_scripts/{name}.py" for name in ("errors", "interruption", "process")),
        *(
            ROOT / f"benchmarks/{name}.py"
            for name in ("gpu", "plain_torch", "projection", "table1")
        ),
        *(ROOT / f"benchmarks/gpu_{name}.py" for name in ("members", "processes")),
    ]
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            packages = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
            assert packages <= {"numpy", "torch", "workflow_scripts", "benchmarks"}, path


class FakeGraph:
    def __init__(self):
        self.generators = []

    def register_generator_state(self, generator):
        self.generators.append(generator)


@pytest.fixture
def fake_capture(monkeypatch):
    """Replace streams and graphs by dummies; a replay runs the Python code of the step again."""
    stream = SimpleNamespace(wait_stream=lambda other: None)
    monkeypatch.setattr(torch.cuda, "Stream", lambda: stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", FakeGraph)
    monkeypatch.setattr(torch.cuda, "graph", lambda graph: contextlib.nullcontext())
    capture = torch_steps.CapturedSteps.__init__

    def init(self, *arguments):
        capture(self, *arguments)
        self._graph.replay = self._advance

    monkeypatch.setattr(torch_steps.CapturedSteps, "__init__", init)


def test_replays_use_the_batches_of_an_epoch_in_order(fake_capture):
    """After two epochs, losses, predicted classes and weights equal those of single steps."""
    network = network_of("timefrequency")
    weights, (inputs, labels) = biased_weights(network), some_data(network, 50)
    orders = [np.random.default_rng(seed).permutation(50).reshape(5, 10) for seed in (0, 1)]
    plain, replayed = (
        engine_torch.TorchEngine(network, weights, dropout=0.5, gpu=False) for _ in range(2)
    )
    # As on a GPU, except for the device of the arrays.
    replayed._device = SimpleNamespace(type="cuda")
    placed = plain.place(inputs), plain.place(labels)
    replayed.place = plain.place
    captures = []
    for epoch, order in enumerate(orders):
        rate = 0.1 / (epoch + 1)
        expected, classes = plain.train(*placed, order, rate, seed=epoch)
        actual, replayed_classes = replayed.train(*placed, order, rate, seed=epoch)
        assert actual == pytest.approx(expected, rel=1e-12)
        assert np.array_equal(replayed_classes, classes)
        captures.append(replayed._captured)
    assert captures[0] is captures[1], "captured once"
    expected, actual = plain.weights(), replayed.weights()
    assert all(np.array_equal(expected[name], actual[name]) for name in weights)
    replayed.train(*placed, orders[0][:3], 0.1, seed=0)
    assert replayed._captured is not captures[0], "another number of batches needs another graph"


def test_replays_of_members_equal_their_single_steps(fake_capture):
    """The same with several members, one of which drops out; its graph is captured again."""
    network = DEEP["a mid end over time"]
    weights = [biased_weights(network, seed=k) for k in range(3)]
    data = [some_data(network, 20 + 5 * k, seed=k) for k in range(3)]
    arguments = network, weights, 0.5, False, data, [inputs for inputs, _ in data]
    plain, replayed = (torch_side_by_side.TorchSideBySide(*arguments) for _ in range(2))
    # As on a GPU, except for the device.
    replayed._gpu = True
    members, captures = [0, 1, 2], []
    for epoch, kept in enumerate(([0, 1, 2], [0, 1, 2], [0, 2], [0, 2])):
        if kept != members:
            plain.keep(kept)
            replayed.keep(kept)
            members = kept
        rng = np.random.default_rng(epoch)
        # In the last epoch, other numbers of batches.
        sizes = [10 + 5 * k * (epoch < 3) for k in members]
        drawn = (rng.permutation(len(data[k][1])) for k in members)
        batches = [d[:size].reshape(-1, 5) for d, size in zip(drawn, sizes, strict=True)]
        epoch_of_each = batches, [0.1 / (epoch + 1)] * len(members), [epoch + k for k in members]
        for expected, actual in zip(
            *(engine.train(*epoch_of_each) for engine in (plain, replayed)), strict=True
        ):
            assert actual[0] == expected[0] and np.array_equal(actual[1], expected[1])
        for expected, actual in zip(plain.weights(), replayed.weights(), strict=True):
            assert all(np.array_equal(expected[name], actual[name]) for name in expected)
        captures.append(replayed._steps)
        assert isinstance(replayed._steps, torch_steps.CapturedSteps)
        assert replayed._steps._graph.generators == replayed._members.generators
        assert len(replayed._members.generators) == len(members)
    assert captures[0] is captures[1]
    assert len({*map(id, captures)}) == 3, "other members or numbers of batches need another graph"


@pytest.mark.parametrize(
    ("built_for", "capability", "runs"),
    [
        (["sm_75", "sm_80", "sm_90"], (9, 0), True),
        (["sm_75", "sm_80", "sm_86", "sm_90"], (8, 9), True),
        (["sm_75", "sm_80", "sm_90", "compute_90"], (12, 0), True),
        (["sm_80", "sm_90a", "sm_100", "sm_120"], (12, 1), True),
        (["sm_75", "sm_80", "sm_90"], (7, 0), False),
        (["sm_75", "sm_80", "sm_90"], (10, 0), False),
    ],
)
def test_a_gpu_without_kernels_is_a_user_error(monkeypatch, built_for, capability, runs):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: built_for)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA Fake")
    if runs:
        torch_device.check_gpu()
        return
    with pytest.raises(UserError, match=r"for NVIDIA Fake \(compute capability") as error:
        torch_device.check_gpu()
    assert "--resources gpu=0" in str(error.value)


def test_a_missing_gpu_is_a_user_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    network = network_of("time_1x60")
    with pytest.raises(UserError, match="PyTorch finds no GPU"):
        engine_torch.TorchEngine(network, biased_weights(network), dropout=0, gpu=True)
