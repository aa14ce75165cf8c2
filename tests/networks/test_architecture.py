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
    assert network.trunks["trunk"].convolved == (29, 73)
    assert network.trunks["trunk"].pooled == (7, 73)


@pytest.mark.parametrize("filter", [[41, 1], [1, 81]])
def test_a_filter_larger_than_the_input_is_rejected(filter):
    with pytest.raises(ValueError, match=r"filter .* of trunk trunk is larger than its input"):
        Network.from_config(description(filter, [1, 1]), 40, 8)


@pytest.mark.parametrize("pool", [[30, 1], [1, 74]])
def test_a_pool_larger_than_its_input_is_rejected(pool):
    with pytest.raises(ValueError, match=r"pool .* of trunk trunk is larger than its input"):
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


def layered(layers, **variant):
    """A network with one trunk of layers."""
    trunks = {"trunk": {"layers": layers}}
    return {"input_frames": 80, "trunks": trunks, "hidden": 0} | variant


SQUARE = {"convolution": [5, 5], "n_filters": 4}


def test_the_short_form_is_a_list_of_layers():
    """One convolution, one pool and one dense layer have the same arrays in both forms."""
    short = network_of("blackbox_12x8")
    convolution = {"convolution": [12, 8], "n_filters": 32}
    trunks = {"rectangle": {"layers": [convolution, {"pool": [4, 1]}]}}
    long = Network.from_config(
        {"input_frames": 80, "trunks": trunks, "hidden": 0, "back_end": [{"dense": 200}]}, 40, 8
    )
    assert long.weight_shapes() == short.weight_shapes()
    weights = [n.initial_weights(np.random.default_rng(1)) for n in (short, long)]
    assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_all_is_what_is_left():
    layers = [{"convolution": [30, 1], "n_filters": 2}, {"pool": ["all", 4]}]
    assert Network.from_config(layered(layers), 40, 8).trunks["trunk"].pool == (11, 4)


def test_shapes_and_counts_of_a_deep_network():
    back_end = [{"concatenate": [SQUARE | {"padding": "same"}]}, {"global_pool": ["max", "mean"]}]
    layers = [SQUARE, {"batch_normalisation": True}, {"pool": [2, 2]}, SQUARE]
    network = Network.from_config(layered(layers, back_end=[*back_end, {"dense": 6}]), 40, 3)
    # (36, 76), (18, 38), (14, 34); eight channels, of each the maximum and the mean over time.
    assert network.trunks["trunk"].output == (4, 14, 34) == network.joined
    assert network.weight_shapes() == {
        "trunk.weight": (4, 5, 5),
        "trunk.bias": (4,),
        "trunk.2.scale": (4,),
        "trunk.2.offset": (4,),
        "trunk.4.weight": (4, 4, 5, 5),
        "trunk.4.bias": (4,),
        "back_end.1.1.weight": (4, 4, 5, 5),
        "back_end.1.1.bias": (4,),
        "hidden.weight": (6, 2 * 8 * 14),
        "hidden.bias": (6,),
        "output.weight": (3, 6),
        "output.bias": (3,),
        "trunk.2.mean": (4,),
        "trunk.2.variance": (4,),
    }
    assert network.n_parameters() == 104 + 8 + 404 + 404 + 6 * 224 + 6 + 21


def test_a_convolution_on_channels_has_their_fan_in():
    network = Network.from_config(layered([SQUARE, SQUARE]), 40, 8)
    weights = network.initial_weights(np.random.default_rng(0))["trunk.2.weight"]
    limit = np.sqrt(6 / (4 * 25 + 4 * 25))
    assert 0.9 * limit < np.abs(weights).max() <= limit


@pytest.mark.parametrize(
    ("variant", "sentence"),
    [
        (layered([{"pool": [2, 2]}]), "layer 1 of trunk trunk must be a convolution"),
        (layered([SQUARE, {"dense": 3}]), "trunk trunk has a dense layer, which belongs in back_"),
        (layered([{"convolution": [5, 5]}]), "layer 1 of trunk trunk lacks n_filters"),
        (
            layered([SQUARE, {"pool": [20, 1]}, SQUARE]),
            r"the filter \(5, 5\) of layer 3 of trunk trunk is larger than its input \(1, 76\)",
        ),
        (layered([SQUARE, {"pool": [37, 1]}]), "the pool .* of layer 2 of trunk trunk is larger"),
        (layered([SQUARE | {"pool": [2, 2]}]), "must have exactly one of .* convolution and pool"),
        (layered([SQUARE, {"n_filters": 3}]), "layer 2 of trunk trunk must have .* it has none"),
        (
            layered([SQUARE, {"dropout": 0.1, "padding": "same"}]),
            "layer 2 of trunk trunk has padding, which dropout does not take",
        ),
        (
            layered([SQUARE], back_end=[{"dense": 4}, {"global_pool": ["max"]}]),
            "back_end has a global_pool after a dense layer",
        ),
        (
            layered([SQUARE, {"add": [SQUARE]}]),
            r"layer 2 of trunk trunk adds 4 channels of \(36, 76\) to 4 channels of \(32, 72\)",
        ),
        (
            layered([SQUARE, {"concatenate": [{"pool": [2, 1]}]}]),
            "layer 2 of trunk trunk cannot put 4 channels of .* must keep the height and the width",
        ),
        (
            layered([SQUARE])
            | {
                "trunks": {
                    "a": {"layers": [SQUARE]},
                    "b": {"layers": [SQUARE, {"pool": [36, 1]}]},
                },
                "back_end": [{"global_pool": ["max"]}],
            },
            r"the outputs of the trunks cannot be joined for back_end \(global_pool\): their "
            r"heights and widths differ \(a \(36, 76\), b \(1, 76\)\)",
        ),
    ],
)
def test_layers_that_do_not_fit_are_rejected(variant, sentence):
    with pytest.raises(ValueError, match=sentence):
        Network.from_config(variant, 40, 8)


def test_all_layers_of_a_trunk_are_copied_from_its_donor():
    layers = [SQUARE, {"batch_normalisation": True}, SQUARE]
    network = Network.from_config(layered(layers), 40, 8)
    fresh, donor = (network.initial_weights(np.random.default_rng(seed)) for seed in (1, 2))
    donor["trunk.2.mean"] += 3
    initial = donated(fresh, {"trunk": donor})
    for name in network.trunk_shapes("trunk"):
        assert np.array_equal(initial[name], donor[name]), name
    assert np.array_equal(initial["output.weight"], fresh["output.weight"])
