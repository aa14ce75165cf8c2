"""Rough seconds of an epoch of each variant of a configuration, before any training has run."""

from collections.abc import Mapping
from typing import Any

from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.errors import UserError
from workflow_scripts.networks import epoch_work
from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.epoch_work import EpochWork
from workflow_scripts.networks.pace import Pace, Subject
from workflow_scripts.paths import ResultPaths, SharedFeatures
from workflow_scripts.run_display.training_costs import prediction_seconds, step_seconds
from workflow_scripts.workflow.training_settings import n_folds_of, network_of, training_of


def rough_epochs(
    config: Mapping[str, Any], results: ResultPaths, shared: SharedFeatures, hop: int | None
) -> dict[str, float] | None:
    """Seconds of an epoch by variant; None as long as the tracks and their lengths are not known.

    `hop` is that of training segments in frames, None for their length.
    """
    if not all(path.exists() for path in [results.folds, *shared.index]):
        return None
    front_end = FrontEnd.from_config(config["front_end"])
    try:
        corpus = epoch_work.read(shared.index, results.folds, front_end)
        return {
            name: _seconds(config, name, corpus, front_end.n_bands, hop)
            for name in config["variants"]
        }
    # Files of an earlier run, which this one makes again; too few segments, which a training says.
    except (UserError, ValueError, KeyError, OSError):
        return None


def _seconds(
    config: Mapping[str, Any],
    variant: str,
    corpus: epoch_work.Corpus,
    n_bands: int,
    hop: int | None,
) -> float:
    network = Network.from_config(network_of(config, variant), n_bands, corpus.n_classes)
    settings = training_of(config, variant)
    subject = Subject(network, settings["batch_size"], settings["dropout"])
    work = EpochWork.of(corpus, variant, subject, n_folds_of(config), hop)
    step = step_seconds(network, settings["batch_size"])
    return work.seconds(Pace(step, prediction_seconds(network)))
