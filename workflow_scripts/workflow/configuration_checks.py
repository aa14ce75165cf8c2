"""Check what the schema cannot express: paths, shapes of networks, settings that go together."""

import json
import os
from typing import Any

from workflow_scripts.audio import front_end_checks
from workflow_scripts.audio.front_end_checks import UnusableError
from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.errors import UserError
from workflow_scripts.models import limits
from workflow_scripts.networks.architecture import Network
from workflow_scripts.workflow import network_checks
from workflow_scripts.workflow.training_settings import training_of


def check(config: dict[str, Any]) -> None:
    """Raise UserError on the first error of a `config` that has all keys; expand ~ in its paths."""
    _check_audio(config)
    _check_archives(config)
    front_end = FrontEnd.from_config(config["front_end"])
    _check_front_end(front_end)
    _check_exclude(config)
    _check_variants(config["variants"], front_end)
    _check_trainings(config, front_end)
    _check_listen_to(config)
    _check_split(config)
    if config["validation"] == "segments" and config["sampling"] != "contiguous":
        raise UserError(
            f"validation: segments needs sampling: contiguous, not {config['sampling']}: training "
            "segments would overlap validation segments; change one of the two"
        )


def _check_audio(config: dict[str, Any]) -> None:
    folder = config["audio_dir"]
    if config["dataset"] == "folder":
        if folder is None:
            raise UserError("dataset is folder, but audio_dir is not set; add audio_dir=FOLDER")
        config["audio_dir"] = folder = _at_home(folder)
        if not os.path.isdir(folder):  # noqa: PTH112
            raise UserError(f"audio_dir {folder} is not a folder; check the path")
    elif folder is not None:
        raise UserError(
            f"audio_dir is {folder}, but dataset is {config['dataset']}; add dataset=folder"
        )


def _check_archives(config: dict[str, Any]) -> None:
    if config["dataset"] != "ballroom":
        return
    ballroom = config["ballroom"]
    for key in ("archive", "tempi_archive"):
        if ballroom[key] is None:
            continue
        ballroom[key] = path = _at_home(ballroom[key])
        if not os.path.isfile(path):  # noqa: PTH113 - Path raises for a long name.
            raise UserError(
                f"ballroom.{key} {path} is not a file; check the path, or remove the key to "
                "download the archive"
            )
        if "{" in path or "}" in path:
            raise UserError(
                f"ballroom.{key} {path} has braces, which Snakemake reads as wildcards; link to "
                "the file from a path without braces"
            )


def _check_exclude(config: dict[str, Any]) -> None:
    """Raise UserError if the list of tracks to leave out is not a file."""
    if isinstance(config["exclude"], str):
        config["exclude"] = path = _at_home(config["exclude"])
        if not os.path.isfile(path):  # noqa: PTH113
            raise UserError(
                f"exclude {path} is not a file; check the path, or give a list: exclude: [TRACK]"
            )


def _at_home(path: str) -> str:
    """Expand ~, which the shell does not expand in audio_dir=~/music."""
    return os.path.expanduser(path)  # noqa: PTH111 - Path raises for an unknown user.


def _check_front_end(front_end: FrontEnd) -> None:
    try:
        front_end_checks.check(front_end)
    except UnusableError as reason:
        raise UserError(f"front_end.{reason}; {reason.remedy}") from None


def _check_variants(variants: dict[str, Any], front_end: FrontEnd) -> None:
    for name, variant in variants.items():
        for problem in network_checks.form_problems(variant):
            raise UserError(f"variants.{name}: {problem}")
        try:
            network = Network.from_config(variant, front_end.n_bands, n_classes=2)
            limits.check(network, front_end.frame_rate)
        except ValueError as reason:
            raise UserError(f"variants.{name}: {reason}; change the network") from None
        # Its models could be trained, but neither exported nor used.
        except limits.TooLargeError as reason:
            raise UserError(f"variants.{name}: {reason}; {reason.remedy}") from None
        for problem in network_checks.init_problems(variants, variant, front_end.n_bands):
            raise UserError(f"variants.{name}.init: {problem}")


def _check_listen_to(config: dict[str, Any]) -> None:
    name, variants = config["listen_to"], config["variants"]
    if name is not None and name not in variants:
        raise UserError(
            f"listen_to: there is no variant {name}; known variants: {', '.join(variants)}"
        )


def _check_split(config: dict[str, Any]) -> None:
    """A fixed split leaves nothing to settings that assign folds."""
    if config["split_by"] is None:
        return
    for key, value in (("group_by", None), ("stratified", True), ("validation", "tracks")):
        if config[key] != value:
            raise UserError(
                f"split_by says which tracks train, validate and test, so {key}: "
                f"{json.dumps(config[key])} cannot apply; set {key}: {json.dumps(value)} or "
                "remove split_by"
            )


def _check_trainings(config: dict[str, Any], front_end: FrontEnd) -> None:
    for name, variant in config["variants"].items():
        settings = training_of(config, name)
        network = Network.from_config(variant, front_end.n_bands, n_classes=2)
        if settings["batch_size"] == 1 and network.normalises_batches():
            raise UserError(
                f"variants.{name} has batch_normalisation, which needs a training.batch_size of at "
                "least 2, not 1; raise it or remove these layers"
            )
        if settings["learning_rate"] < settings["min_learning_rate"]:
            where = f"variants.{name}." if variant.get("training") else ""
            raise UserError(
                f"{where}training.learning_rate {settings['learning_rate']:g} is below "
                f"min_learning_rate {settings['min_learning_rate']:g}, which would end the "
                "training before its first epoch; raise the learning rate or lower the minimum"
            )
