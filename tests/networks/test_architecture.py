"""The twelve networks as data: shapes, parameter counts, initial weights."""

import numpy as np
import pytest

from tests.conftest import network_of
from workflow_scripts.networks.architecture import Network, donated

TABLE_1 = {
    "blackbox_12x8": 3_275_312,
    "blackbox_12x200": 2_363_440,
    "time_1x60": 7_336,
    "time_1x200": 19_496,
    "frequency_30x1": 3_816,
    "frequency_32x1": 3_368,
    "frequency_34x1": 2_920,
    "frequency_36x1": 2_472,
    "frequency_38x1": 2_024,
    "frequency_40x1": 1_576,
    "timefrequency": 196_816,
    "timefrequency_init": 196_816,
}


@pytest.mark.parametrize(("variant", "count"), TABLE_1.items())
def test_parameter_counts_equal_table_1(variant, count):
    network = network_of(variant, n_classes=8)
    assert network.n_parameters() == count
    weights = network.initial_weights(np.random.default_rng(0))
    assert sum(array.size for array in weights.values()) == count


def test_shapes_have_the_orientation_of_the_paper():
    shapes = network_of("timefrequency").weight_shapes()
    assert shapes["time.weight"] == (32, 1, 60)
    assert shapes["frequency.weight"] == (32, 32, 1)
    assert shapes["hidden.weight"] == (200, 21 * 32 + 9 * 32)


def test_initial_weights_are_glorot_uniform_and_biases_zero():
    weights = network_of("blackbox_12x8").initial_weights(np.random.default_rng(0))
    for name, fan_in, fan_out in [
        ("rectangle.weight", 12 * 8, 32 * 12 * 8),
        ("hidden.weight", 32 * 7 * 73, 200),
        ("output.weight", 200, 8),
    ]:
        limit = np.sqrt(6 / (fan_in + fan_out))
        assert 0.97 * limit < np.abs(weights[name]).max() <= limit
        assert weights[name].std() == pytest.approx(limit / np.sqrt(3), rel=0.05)
    assert all(not array.any() for name, array in weights.items() if name.endswith("bias"))


def test_initial_weights_depend_on_the_generator_only():
    network = network_of("time_1x60")
    first, again = (network.initial_weights(np.random.default_rng(5)) for _ in range(2))
    other = network.initial_weights(np.random.default_rng(6))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["time.weight"], other["time.weight"])


def description(filter, pool, frames=80):
    trunk = {"filter": filter, "pool": pool, "n_filters": 32}
    return {"input_frames": frames, "trunks": {"trunk": trunk}, "hidden": 0}


def test_a_pool_drops_an_incomplete_border():
    network = Network.from_config(description([12, 8], [4, 1]), 40, 8)
    assert network.trunks["trunk"].convolved(40, 80) == (29, 73)
    assert network.trunks["trunk"].pooled(40, 80) == (7, 73)


@pytest.mark.parametrize("filter", [[41, 1], [1, 81]])
def test_a_filter_larger_than_the_input_is_rejected(filter):
    with pytest.raises(ValueError, match=r"filter .* of trunk trunk is larger than the input"):
        Network.from_config(description(filter, [1, 1]), 40, 8)


@pytest.mark.parametrize("pool", [[30, 1], [1, 74]])
def test_a_pool_larger_than_its_input_is_rejected(pool):
    with pytest.raises(ValueError, match=r"pool .* of trunk trunk is larger than the output"):
        Network.from_config(description([12, 8], pool), 40, 8)


def test_only_convolutions_are_copied_from_donors():
    rng = np.random.default_rng(0)
    fresh = network_of("timefrequency").initial_weights(rng)
    time = network_of("time_1x60").initial_weights(rng)
    frequency = network_of("frequency_32x1").initial_weights(rng)
    time["time.bias"] += 1
    initial = donated(fresh, {"time": time, "frequency": frequency})
    assert np.array_equal(initial["time.weight"], time["time.weight"])
    assert np.array_equal(initial["time.bias"], time["time.bias"])
    assert np.array_equal(initial["frequency.weight"], frequency["frequency.weight"])
    for name in ("hidden.weight", "hidden.bias", "output.weight", "output.bias"):
        assert np.array_equal(initial[name], fresh[name])
    initial["time.weight"][:] = 0
    assert time["time.weight"].any()


def test_a_donor_of_another_shape_is_rejected():
    rng = np.random.default_rng(0)
    fresh = network_of("timefrequency").initial_weights(rng)
    with pytest.raises(ValueError, match=r"no time\.weight of the same shape"):
        donated(fresh, {"time": network_of("time_1x200").initial_weights(rng)})
