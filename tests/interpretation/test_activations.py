"""The forward pass in NumPy, compared with the engine and with values computed by hand."""

import numpy as np
import pytest

from tests.conftest import network_of, shipped_config
from workflow_scripts.interpretation import activations
from workflow_scripts.networks.engine import engine_class


@pytest.mark.parametrize("variant", shipped_config()["variants"])
def test_probabilities_equal_the_engines(variant):
    network = network_of(variant)
    rng = np.random.default_rng(3)
    weights = network.initial_weights(rng)
    for name in weights:
        if name.endswith(".bias"):
            weights[name] = rng.normal(0, 0.1, weights[name].shape).astype(np.float32)
    segments = rng.standard_normal((5, network.bands, network.frames)).astype(np.float32)
    outputs = activations.trunk_outputs(network, weights, segments)
    layer = activations.first_layer(network)
    first = activations.dense_inputs(outputs) @ weights[f"{layer}.weight"].T
    result = activations.log_probabilities(network, weights, first + weights[f"{layer}.bias"])
    engine = engine_class("mxnet")(network, weights, dropout=0, gpu=False)
    # The tolerance allows for float32 sums of up to 4000 products in another order.
    assert np.allclose(np.exp(result), engine.probabilities(segments), atol=1e-5)


def test_convolution_slides_over_bands_and_frames():
    segments = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    weights = {
        "time.weight": np.array([[[1, -1]]], np.float32),
        "time.bias": np.array([0.5], np.float32),
    }
    maps = activations.convolved(segments, weights, "time")
    assert maps.tolist() == [[[[-0.5] * 3] * 3]]


def test_pooling_drops_an_incomplete_border_and_negative_values():
    maps = np.array([[-3, -1, 5, 4, 9], [-2, -4, 1, 0, 9], [7, 7, 7, 7, 7]], np.float32)
    assert activations.pooled(maps, (2, 2)).tolist() == [[0, 5]]
