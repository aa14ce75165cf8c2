"""All that is measured of the filters of one trained network."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.dataset.normalisation import Scaler, compress
from workflow_scripts.dataset.parts import Part
from workflow_scripts.interpretation import (
    ablation,
    activations,
    excitation,
    spectral_filters,
    temporal_filters,
)
from workflow_scripts.networks.architecture import Network, Trunk, Weights

# Raw mel energies (frames, bands) of a pulse train at each of `temporal_filters.BPM`.
PulseTrains = Callable[[int], Sequence[np.ndarray]]


@dataclass(frozen=True)
class Model:
    """A trained network, the normalisation of its input and the names of its outputs."""

    network: Network
    weights: Weights
    scaler: Scaler
    classes: Sequence[str]


@dataclass(frozen=True)
class Findings:
    """A trunk's filters: a table with a row for each, and what temporal filters answer to.

    `responses` and `modulation` are (filters, tempi), (0, tempi) where filters have none: responses
    are those of m = 1, both of filters long enough (`temporal_filters.holds_a_beat`).
    """

    table: pd.DataFrame
    responses: np.ndarray
    modulation: np.ndarray


def findings(
    model: Model, tested: Part, track_ids: np.ndarray, trains: PulseTrains
) -> dict[str, Findings]:
    """The findings on each trunk; `track_ids` name the tracks of the tested segments.

    `trains` gives pulse trains of so many frames; it is called for temporal filters alone. Columns
    of a table: filter, strength, speaks_for, gain, tempo, offset, excited_tracks, excited_frames.
    """
    outputs = activations.trunk_outputs(model.network, model.weights, tested.segments)
    lost = ablation.losses(model.network, model.weights, outputs, tested.labels)
    found = {}
    for name, trunk in model.network.trunks.items():
        table = effects(lost[name], model.classes)
        responses, modulation = tempo_analysis(model, name, trains)
        table["tempo"] = temporal_filters.tempi(responses) if len(responses) else np.nan
        table["offset"] = lowest_bands(outputs[name], trunk)
        excited = excitation.most_exciting(outputs[name])
        first = tested.segments.first
        table["excited_tracks"] = [_json(track_ids[positions]) for positions in excited]
        table["excited_frames"] = [_json(first[positions]) for positions in excited]
        found[name] = Findings(table, responses, modulation)
    return found


def effects(lost: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """Columns filter, strength, speaks_for and gain of losses (filters, classes) in nats.

    strength is the mean over classes, so that each counts alike; gain the largest class's loss.
    A filter without which no class loses anything speaks for none: an empty name.
    """
    gain = np.nanmax(lost, axis=1)
    names = np.array(classes, dtype=object)[np.nanargmax(lost, axis=1)]
    return pd.DataFrame(
        {
            "filter": np.arange(len(lost)),
            "strength": np.nanmean(lost, axis=1),
            "speaks_for": np.where(gain > 0, names, ""),
            "gain": gain,
        }
    )


def tempo_analysis(model: Model, name: str, trains: PulseTrains) -> tuple[np.ndarray, np.ndarray]:
    """A trunk's `temporal_filters.responses` and `modulation`; no rows where it has none."""
    weight, bias = model.weights[f"{name}.weight"], model.weights[f"{name}.bias"]
    n_frames = weight.shape[2]
    responses = modulation = np.empty((0, len(temporal_filters.BPM)))
    if temporal_filters.holds_a_beat(n_frames):
        modulation = temporal_filters.modulation(weight.sum(axis=1))
        if weight.shape[1] == 1:
            heard = trains(temporal_filters.frames_to_hear(n_frames))
            normalised = (model.scaler(compress(train)).T for train in heard)
            responses = temporal_filters.responses(weight[:, 0], bias, normalised)
    return responses, modulation


def lowest_bands(output: np.ndarray, trunk: Trunk) -> np.ndarray:
    """`spectral_filters.offsets` of filters of m > 1 and n = 1, NaN of others; float (filters,)."""
    m, n = trunk.filter
    if m > 1 and n == 1:
        return spectral_filters.offsets(output, trunk)
    return np.full(trunk.n_filters, np.nan)


def _json(values: np.ndarray) -> str:
    return json.dumps(values.tolist(), ensure_ascii=False)
