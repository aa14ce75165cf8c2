"""The forward pass in NumPy, compared with the engine and with values computed by hand."""

import numpy as np
import pytest

from tests.conftest import biased_weights, network_of, shipped_config
from tests.deep_networks import DEEP
from workflow_scripts.interpretation import activations
from workflow_scripts.networks.engine import engine_class
from workflow_scripts.networks.layers import Convolution

NETWORKS = {variant: network_of(variant) for variant in shipped_config()["variants"]} | DEEP


@pytest.mark.parametrize("name", NETWORKS)
def test_probabilities_equal_the_engines(name):
    network, rng = NETWORKS[name], np.random.default_rng(3)
    weights = biased_weights(network)
    segments = rng.standard_normal((5, network.bands, network.frames)).astype(np.float32)
    outputs = activations.first_outputs(network, weights, segments)
    result = activations.log_softmax(activations.scores(network, weights, outputs))
    engine = engine_class("mxnet")(network, weights, dropout=0, gpu=False)
    # The tolerance allows for float32 sums of up to 4000 products in another order.
    assert np.allclose(np.exp(result), engine.probabilities(segments), atol=1e-5)


def test_convolution_slides_over_bands_and_frames():
    segments = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    weight, bias = np.array([[[[1, -1]]]], np.float32), np.array([0.5], np.float32)
    images = segments[:, np.newaxis]
    maps = activations.convolved(images, Convolution((1, 2), 1), weight, bias)
    assert maps.tolist() == [[[[-0.5] * 3] * 3]]
    padded = activations.convolved(images, Convolution((1, 2), 1, "same"), weight, bias)
    assert padded.tolist() == [[[[-0.5] * 3 + [last + 0.5] for last in (3, 7, 11)]]]


def test_pooling_drops_an_incomplete_border_and_negative_values():
    maps = np.array([[-3, -1, 5, 4, 9], [-2, -4, 1, 0, 9], [7, 7, 7, 7, 7]], np.float32)
    assert activations.pooled(maps, (2, 2)).tolist() == [[0, 5]]
