"""The networks of the presets from the literature: parameters as published."""

import pytest

from tests.conftest import ROOT, shipped_config
from workflow_scripts.errors import UserError
from workflow_scripts.models import limits
from workflow_scripts.networks.architecture import Network
from workflow_scripts.workflow import configuration


def networks(preset, n_classes, only=None):
    """The networks that a preset runs, by variant."""
    config = shipped_config(preset)
    if only is not None:
        config["only"] = only
    configuration.complete(config, ROOT / "config.yaml")
    bands = config["front_end"]["n_bands"]
    return {
        name: Network.from_config(variant, bands, n_classes)
        for name, variant in config["variants"].items()
    }


def dense(inputs, units):
    return inputs * units + units


def convolution(n_filters, channels, m, n):
    return n_filters * channels * m * n + n_filters


def test_lidy_has_the_layers_of_section_iii():
    (network,) = networks("lidy", 8).values()
    # 15 filters of 12 x 8 on 40 x 80, a pool of 2 x 1, 200 units.
    assert network.joined == (15, 14, 73)
    count = convolution(15, 1, 12, 8) + dense(15 * 14 * 73, 200) + dense(200, 8)
    assert network.n_parameters() == count == 3_069_263


def test_choi_has_four_layers_of_12_x_12():
    (network,) = networks("choi", 8).values()
    shapes = [shape for name, shape in network.weight_shapes().items() if name.endswith("weight")]
    assert shapes[:-1] == [(16, 12, 12), *[(16, 16, 12, 12)] * 3]
    # 40 x 80 is halved four times.
    assert network.joined == (16, 2, 5)
    layers = convolution(16, 1, 12, 12) + 3 * convolution(16, 16, 12, 12)
    assert network.n_parameters() == layers + dense(16 * 2 * 5, 8)


def musicnn_parameters(n_bands, front_end, mid_end, units, n_classes):
    """Trainable parameters of musicnn's code (build_musicnn), added up layer by layer.

    `front_end` is its num_filt_frontend. Each batch normalisation has a scale and an offset.
    """
    timbral, temporal = int(front_end * 128), int(front_end * 32)
    total = 2  # of the normalised input
    for height in (int(0.4 * n_bands), int(0.7 * n_bands)):
        total += convolution(timbral, 1, height, 7) + 2 * timbral
    for length in (128, 64, 32):
        total += convolution(temporal, 1, 1, length) + 2 * temporal
    channels = 2 * timbral + 3 * temporal
    total += convolution(mid_end, channels, 1, 7) + 2 * mid_end
    total += 2 * (convolution(mid_end, mid_end, 1, 7) + 2 * mid_end)
    # The maximum and the mean of all layers so far.
    pooled = 2 * (channels + 3 * mid_end)
    return total + 2 * pooled + dense(pooled, units) + 2 * units + dense(units, n_classes)


def test_musicnn_has_the_parameters_of_its_code():
    (network,) = networks("musicnn", 50, ["musicnn"]).values()
    assert musicnn_parameters(96, 1.6, 64, 200, 50) == 787_159
    # Ours has no batch normalisation of the input, which the scaler normalises.
    assert network.n_parameters() == 787_159 - 2
    assert network.joined == (561, 1, 187)


def test_ten_folds_of_musicnn_can_be_packed():
    (network,) = networks("musicnn", 50, ["musicnn"]).values()
    limits.check_operations(10 * limits.operations(network, 16000 / 256))
    limits.check_parameters(10 * network.n_parameters())


def test_the_small_musicnn_has_an_eighth_of_the_filters():
    (network,) = networks("musicnn", 8).values()
    assert network.n_parameters() == musicnn_parameters(96, 0.2, 16, 50, 8) - 2


@pytest.mark.parametrize("preset", ["lidy", "choi", "musicnn"])
def test_a_preset_runs_one_row_and_says_where_it_is_from(preset):
    assert len(networks(preset, 8)) == 1
    assert "20" in (ROOT / f"presets/{preset}.yaml").read_text().split("preset_name")[0]


def test_normalised_layers_need_batches_of_two():
    config = shipped_config("musicnn") | {"training": {"batch_size": 1}}
    with pytest.raises(UserError, match=r"musicnn_small has batch_normalisation, .* at least 2"):
        configuration.complete(config, ROOT / "config.yaml")
