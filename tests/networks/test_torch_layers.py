"""Parts of the PyTorch engine that comparisons with the oracle do not reach."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="make env TORCH=1 installs PyTorch")

from tests.conftest import biased_weights, network_of  # noqa: E402
from tests.networks.test_engine import some_data  # noqa: E402
from workflow_scripts.networks import torch_layers  # noqa: E402
from workflow_scripts.networks.engine_torch import TorchEngine  # noqa: E402


def test_dropout_keeps_its_share_and_the_mean():
    ones = torch.ones(10, 20_000, requires_grad=True)
    torch.manual_seed(0)
    dropped = torch_layers.drop_values(ones, 0.2, many=True)
    assert dropped.unique().tolist() == [0, pytest.approx(1.25)]
    # The deviation of the share of 200 000 values is 0.0009.
    assert dropped.detach().bool().float().mean().item() == pytest.approx(0.8, abs=0.004)
    (gradient,) = torch.autograd.grad(dropped.sum(), ones)
    assert torch.equal(gradient, dropped.detach())
    torch.manual_seed(0)
    assert torch.equal(torch_layers.drop_values(ones, 0.2, many=True), dropped)


def test_a_step_stores_no_gradient_of_the_hidden_layers_weights(monkeypatch):
    """In a black-box that is most of the memory traffic of a step."""
    network = network_of("blackbox_12x8")
    engine = TorchEngine(network, biased_weights(network), dropout=0.5, gpu=False)
    inputs, labels = some_data(network, 10)
    shapes = []
    grad = torch.autograd.grad

    def recorded(*arguments):
        gradients = grad(*arguments)
        shapes.extend(tuple(gradient.shape) for gradient in gradients)
        return gradients

    monkeypatch.setattr(torch.autograd, "grad", recorded)
    before = engine.weights()["hidden.weight"]
    engine.train(inputs, labels, np.arange(10)[np.newaxis], learning_rate=0.1, seed=0)
    assert (200, 16352) not in shapes and (10, 200) in shapes
    assert not np.array_equal(engine.weights()["hidden.weight"], before)
