"""The parts of the configuration that a training depends on."""

from collections.abc import Mapping
from typing import Any

from workflow_scripts.audio.parameters import FrontEnd

NETWORK_KEYS = ("input_frames", "trunks", "hidden", "init")
SHARED_KEYS = ("seed", "validation", "sampling", "level", "augmentation", "engine")


def network_of(config: Mapping[str, Any], variant: str) -> dict[str, Any]:
    """The description of a variant's network.

    A back end of null is left out: models trained before this key existed stay valid.
    """
    described = config["variants"][variant]
    network = {key: described[key] for key in NETWORK_KEYS}
    if described.get("back_end") is not None:
        network["back_end"] = described["back_end"]
    return network


def training_of(config: Mapping[str, Any], variant: str) -> dict[str, Any]:
    """The shared training settings, updated with the variant's own.

    `class_weights: none` is left out: it changes nothing, and models trained before this setting
    existed stay valid.
    """
    settings = config["training"] | config["variants"][variant].get("training", {})
    if settings.get("class_weights") == "none":
        del settings["class_weights"]
    return settings


def seeds_of(config: Mapping[str, Any]) -> list[int]:
    """The seeds of all repetitions. `seed` is the first of them."""
    return config["seeds"] or [config["seed"]]


def n_folds_of(config: Mapping[str, Any]) -> int:
    """The number of models of a variant and seed: one with a fixed split, in place of folds."""
    return 1 if config.get("split_by") else int(config["folds"])


def settings_of(config: Mapping[str, Any], variant: str) -> dict[str, Any]:
    """All settings of a variant's training, as fit.json records them.

    For another seed than the first, pass `config | {"seed": seed}`.
    """
    return {key: config[key] for key in SHARED_KEYS} | {
        "front_end": FrontEnd.from_config(config["front_end"]).settings,
        "network": network_of(config, variant),
        "training": training_of(config, variant),
    }
