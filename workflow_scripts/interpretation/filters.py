"""All measurements of the filters of one trained network."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.dataset.parts import Part
from workflow_scripts.interpretation import (
    ablation,
    activations,
    excitation,
    spectral_filters,
    temporal_filters,
)
from workflow_scripts.interpretation.temporal_filters import PulseTest
from workflow_scripts.networks.architecture import Network, Trunk, Weights

# Returns the test for filters with this number of frames.
PulseTests = Callable[[int], PulseTest]
NO_ROWS = np.empty((0, len(temporal_filters.BPM)))


@dataclass(frozen=True)
class Model:
    """A trained network; `classes` are the names of its outputs."""

    network: Network
    weights: Weights
    classes: Sequence[str]


@dataclass(frozen=True)
class Findings:
    """The measurements of a trunk: a table with one row per filter, and spectra over tempi.

    `responses` and `modulation` are (filters, tempi). Both are (0, tempi) for filters too short for
    a tempo; `responses` is (0, tempi) for filters over several bands.
    """

    table: pd.DataFrame
    responses: np.ndarray
    modulation: np.ndarray


def findings(
    model: Model, tested: Part, track_ids: np.ndarray, pulse_test: PulseTests
) -> dict[str, Findings]:
    """The findings for each trunk; `track_ids` (segments,) are the tracks of the tested segments.

    `pulse_test` is called only for temporal filters. Columns of the tables: filter, strength,
    most_affected_class, gain, tempo, offset, excited_tracks, excited_frames.
    """
    outputs = activations.first_outputs(model.network, model.weights, tested.segments)
    losses = ablation.losses(model.network, model.weights, outputs, tested.labels)
    first, frame_rate = tested.segments.first, tested.segments.features.front_end.frame_rate
    results = {}
    for name, trunk in model.network.trunks.items():
        table = effects(losses[name], model.classes)
        weight = model.weights[f"{name}.weight"]
        table["tempo"], responses = tempi(weight, pulse_test, frame_rate)
        table["offset"] = pd.array(lowest_bands(outputs[name], trunk), dtype="Int64")
        excited = excitation.most_exciting(outputs[name])
        table["excited_tracks"] = [_json(track_ids[positions]) for positions in excited]
        table["excited_frames"] = [_json(first[positions]) for positions in excited]
        results[name] = Findings(table, responses, modulation(weight, frame_rate))
    return results


def effects(losses: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """A table of filters from losses (filters, classes) in nats, see `ablation.losses`.

    Columns: filter; strength, the mean loss over classes, in which each class has the same weight;
    most_affected_class, the class with the largest loss, empty if no class loses; gain, this loss.
    """
    gain = np.nanmax(losses, axis=1)
    names = np.array(classes, dtype=object)[np.nanargmax(losses, axis=1)]
    return pd.DataFrame(
        {
            "filter": np.arange(len(losses)),
            "strength": np.nanmean(losses, axis=1),
            "most_affected_class": np.where(gain > 0, names, ""),
            "gain": gain,
        }
    )


def tempi(
    weight: np.ndarray, pulse_test: PulseTests, frame_rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """The tempo in BPM, (filters,), and `PulseTest.responses` of filters (filters, m, n).

    The tempi are NaN and the responses have no rows unless m = 1 and the filters are long enough.
    """
    n_filters, m, n = weight.shape
    if m > 1 or not temporal_filters.holds_a_beat(n, frame_rate):
        return np.full(n_filters, np.nan), NO_ROWS
    test = pulse_test(n)
    responses = test.responses(weight[:, 0])
    return test.tempi(responses), responses


def modulation(weight: np.ndarray, frame_rate: float) -> np.ndarray:
    """`temporal_filters.modulation` of filters (filters, m, n), summed over bands.

    It has no rows if the filters are too short for a tempo.
    """
    if not temporal_filters.holds_a_beat(weight.shape[2], frame_rate):
        return NO_ROWS
    return temporal_filters.modulation(weight.sum(axis=1), frame_rate)


def lowest_bands(output: np.ndarray, trunk: Trunk) -> np.ndarray:
    """`spectral_filters.offsets` if m > 1 and n = 1, otherwise NaN; float (filters,)."""
    m, n = trunk.filter
    if m > 1 and n == 1:
        return spectral_filters.offsets(output, trunk)
    return np.full(trunk.n_filters, np.nan)


def _json(values: np.ndarray) -> str:
    return json.dumps(values.tolist(), ensure_ascii=False)
