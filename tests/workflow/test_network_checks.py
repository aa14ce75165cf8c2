"""Wrong descriptions of networks stop a run before its first job, with one sentence."""

import pytest

from tests.conftest import ROOT, overlay, shipped_config
from workflow_scripts.errors import UserError
from workflow_scripts.workflow import configuration

SQUARE = {"convolution": [5, 5], "n_filters": 4}
SQUARES = {"architecture": "Black-box", "input_frames": 80}


def layered(layers, **others):
    """A configuration with a variant of these layers."""
    trunks = {"a": {"layers": layers} | others}
    return {"variants": {"mine": SQUARES | {"trunks": trunks, "back_end": [{"dense": 3}]}}}


INVALID = [
    (layered([]), "variants.mine.trunks.a.layers has 0 entries and must have at least 1"),
    (layered([SQUARE] * 65), "trunks.a.layers has 65 entries and must have at most 64"),
    (layered([SQUARE, {"lstm": 5}]), "unknown configuration key lstm in variants.mine.trunks.a"),
    (layered(["pool"]), "layers.0 must be of type object, not 'pool'"),
    (layered([{"convolution": [5, "some"], "n_filters": 1}]), "convolution.1 is wrong: 'some'"),
    (layered([SQUARE, {"batch_normalisation": False}]), "must be true, not False"),
    (layered([SQUARE | {"padding": "full"}]), "padding must be one of valid, same, time, not 'fu"),
    (layered([SQUARE], filter=[3, 3]), "variants.mine: trunk a has layers and filter; keep one"),
    (
        {"variants": {"mine": SQUARES | {"trunks": {"a": {"filter": [3, 3]}}}}},
        "variants.mine: trunk a lacks pool; add it, or a list of layers",
    ),
    (
        {"variants": {"mine": layered([SQUARE])["variants"]["mine"] | {"hidden": 5}}},
        "variants.mine: it has back_end and hidden; put the dense layer into back_end",
    ),
    (
        {"variants": {"mine": SQUARES | {"trunks": {"back_end": {"layers": [SQUARE]}}}}},
        "the name 'back_end' in variants.mine.trunks cannot be used",
    ),
    (
        {
            "variants": {
                "mine": SQUARES
                | {"trunks": {"time": {"layers": [SQUARE]}}, "init": {"time": "time_1x60"}}
            }
        },
        "variants.mine.init: the layers of trunk time differ from those in time_1x60",
    ),
    (
        layered([SQUARE, {"pool": [37, 1]}]),
        r"pool \(37, 1\) of layer 2 of trunk a .* change the net",
    ),
    (
        {"variants": {"mine": SQUARES | {"trunks": {}, "front_end": {"n_bands": 96}}}},
        "unknown configuration key front_end in variants.mine",
    ),
]


@pytest.mark.parametrize(("update", "sentence"), INVALID)
def test_wrong_layers_are_reported_in_one_sentence(update, sentence):
    config = overlay(shipped_config(), update)
    with pytest.raises(UserError, match=sentence) as error:
        configuration.complete(config, ROOT / "config.yaml")
    assert "\n" not in str(error.value)
