"""All that is measured of the filters of one trained network."""

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

# The test for filters of so many frames.
PulseTests = Callable[[int], PulseTest]
NO_ROWS = np.empty((0, len(temporal_filters.BPM)))


@dataclass(frozen=True)
class Model:
    """A trained network and the names of its outputs."""

    network: Network
    weights: Weights
    classes: Sequence[str]


@dataclass(frozen=True)
class Findings:
    """A trunk's filters: a table with a row for each, and what temporal filters answer to.

    `responses` and `modulation` are (filters, tempi). Of filters too short for a tempo both have no
    rows, (0, tempi); of filters over several bands `responses` has none.
    """

    table: pd.DataFrame
    responses: np.ndarray
    modulation: np.ndarray


def findings(
    model: Model, tested: Part, track_ids: np.ndarray, pulse_test: PulseTests
) -> dict[str, Findings]:
    """The findings on each trunk; `track_ids` name the tracks of the tested segments.

    `pulse_test` is called for temporal filters alone. Columns of a table: filter, strength,
    most_affected_class, gain, tempo, offset, excited_tracks, excited_frames.
    """
    outputs = activations.trunk_outputs(model.network, model.weights, tested.segments)
    lost = ablation.losses(model.network, model.weights, outputs, tested.labels)
    first = tested.segments.first
    found = {}
    for name, trunk in model.network.trunks.items():
        table = effects(lost[name], model.classes)
        weight = model.weights[f"{name}.weight"]
        table["tempo"], responses = tempi(weight, pulse_test)
        table["offset"] = pd.array(lowest_bands(outputs[name], trunk), dtype="Int64")
        excited = excitation.most_exciting(outputs[name])
        table["excited_tracks"] = [_json(track_ids[positions]) for positions in excited]
        table["excited_frames"] = [_json(first[positions]) for positions in excited]
        found[name] = Findings(table, responses, modulation(weight))
    return found


def effects(lost: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """Columns filter, strength, most_affected_class and gain of losses (filters, classes) in nats.

    strength is the mean over classes, so that each counts alike; gain the largest class's loss.
    A filter without which no class loses anything speaks for none: an empty name.
    """
    gain = np.nanmax(lost, axis=1)
    names = np.array(classes, dtype=object)[np.nanargmax(lost, axis=1)]
    return pd.DataFrame(
        {
            "filter": np.arange(len(lost)),
            "strength": np.nanmean(lost, axis=1),
            "most_affected_class": np.where(gain > 0, names, ""),
            "gain": gain,
        }
    )


def tempi(weight: np.ndarray, pulse_test: PulseTests) -> tuple[np.ndarray, np.ndarray]:
    """Each filter's tempo (filters,) and `PulseTest.responses` of filters (filters, m, n).

    NaN and no rows unless m = 1 and the filters are long enough.
    """
    n_filters, m, n = weight.shape
    if m > 1 or not temporal_filters.holds_a_beat(n):
        return np.full(n_filters, np.nan), NO_ROWS
    test = pulse_test(n)
    responses = test.responses(weight[:, 0])
    return test.tempi(responses), responses


def modulation(weight: np.ndarray) -> np.ndarray:
    """`temporal_filters.modulation` of filters (filters, m, n), summed over their bands.

    No rows unless they are long enough.
    """
    if not temporal_filters.holds_a_beat(weight.shape[2]):
        return NO_ROWS
    return temporal_filters.modulation(weight.sum(axis=1))


def lowest_bands(output: np.ndarray, trunk: Trunk) -> np.ndarray:
    """`spectral_filters.offsets` of filters of m > 1 and n = 1, NaN of others; float (filters,)."""
    m, n = trunk.filter
    if m > 1 and n == 1:
        return spectral_filters.offsets(output, trunk)
    return np.full(trunk.n_filters, np.nan)


def _json(values: np.ndarray) -> str:
    return json.dumps(values.tolist(), ensure_ascii=False)
