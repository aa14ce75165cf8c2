"""The numbers behind the figures, as tidy tables."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from workflow_scripts.interpretation.clips import Clip


def accuracies(
    folds: Mapping[str, Sequence[float]], baselines: Mapping[str, float], seeds: Sequence[int]
) -> pd.DataFrame:
    """Columns variant, seed, fold, accuracy, baseline_accuracy (of the variant's baseline), in %.

    `folds` has the accuracies of each variant seed by seed, in the order of `seeds`.
    """
    return pd.DataFrame(
        [
            {"variant": variant, "seed": seed, "fold": fold, "accuracy": accuracy}
            | {"baseline_accuracy": baselines[variant]}
            for variant, values in folds.items()
            for seed, of_seed in zip(seeds, np.split(np.array(values), len(seeds)), strict=True)
            for fold, accuracy in enumerate(of_seed)
        ]
    )


def sweep(
    rows: pd.DataFrame,
    folds: Mapping[str, Sequence[float]],
    baselines: pd.DataFrame,
    chance: float,
    seeds: Sequence[int],
) -> pd.DataFrame:
    """Columns kind, name, value, seed, fold, accuracy, low, high: a row per mark and line.

    kind is mean, fold, baseline or chance; low and high are the ends of the interval of a mean.
    `rows` are those of one sweep in sweeps.csv, `folds` as in `accuracies`, `baselines` those of
    `Answer`.
    """
    values = dict(zip(rows["variant"], rows["value"].map(json.dumps), strict=True))
    means = rows.rename(columns={"variant": "name", "accuracy_mean": "accuracy"})
    of_folds = accuracies(folds, dict.fromkeys(folds, np.nan), seeds)
    parts = [
        means[["name", "accuracy", "low", "high"]].assign(kind="mean"),
        of_folds.rename(columns={"variant": "name"}).assign(kind="fold"),
        baselines.rename(columns={"accuracy_mean": "accuracy"}).assign(kind="baseline"),
        pd.DataFrame({"kind": ["chance"], "name": ["chance"], "accuracy": [chance]}),
    ]
    table = pd.concat(parts, ignore_index=True)
    table["value"] = table["name"].map(values)
    table = table.astype({"seed": "Int64", "fold": "Int64"})
    return table[["kind", "name", "value", "seed", "fold", "accuracy", "low", "high"]]


def curves(histories: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The column fold, then those of history.csv."""
    return pd.concat(
        [history.assign(fold=fold) for fold, history in enumerate(histories)], ignore_index=True
    ).pipe(lambda table: table[["fold", *table.columns.drop("fold")]])


def interventions(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The rows of one kind of interventions.csv."""
    return table[table["intervention"] == kind].drop(columns="intervention")


def tempi(of_filters: Mapping[str, np.ndarray], of_tracks: np.ndarray | None) -> pd.DataFrame:
    """Columns of (filters or tracks), variant (empty for tracks), bpm (empty for no tempo)."""
    parts = [
        pd.DataFrame({"of": "filters", "variant": variant, "bpm": values})
        for variant, values in of_filters.items()
    ]
    if of_tracks is not None:
        parts.append(pd.DataFrame({"of": "tracks", "variant": "", "bpm": of_tracks}))
    return pd.concat(parts, ignore_index=True)


def tempo_maps(table: pd.DataFrame, spectra: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Columns fold, trunk, filter, tempo, bpm, response, modulation: a row per filter and BPM.

    `table` and `spectra` are written by the step interpret.
    """
    rows, bpm = spectra["response_rows"], spectra["bpm"]
    by_row = dict(zip(spectra["modulation_rows"], spectra["modulation"], strict=True))
    filters = table.iloc[np.repeat(rows, len(bpm))][["fold", "trunk", "filter", "tempo"]]
    return filters.assign(
        bpm=np.tile(bpm, len(rows)),
        response=spectra["responses"].ravel(),
        modulation=np.concatenate([by_row[row] for row in rows]),
    )


def spectral(chosen: pd.DataFrame, weight: np.ndarray, hertz: np.ndarray) -> pd.DataFrame:
    """Columns filter, strength, most_affected_class, gain, band, hertz, weight.

    Arguments as of `filter_figures.spectral_shapes`; band counts from 0, the lowest.
    """
    m = weight.shape[1]
    columns = ["filter", "strength", "most_affected_class", "gain"]
    filters = chosen.iloc[np.repeat(np.arange(len(chosen)), m)]
    bands = filters["offset"].to_numpy(int) + np.tile(np.arange(m), len(chosen))
    return filters[columns].assign(
        band=bands,
        hertz=hertz[np.minimum(bands, len(hertz) - 1)],
        weight=weight[chosen["filter"].to_numpy(int), :, 0].ravel(),
    )


def weights(
    trunk: str, strengths: pd.Series, weight: np.ndarray, frame_rate: float
) -> pd.DataFrame:
    """Columns trunk, filter, strength, band, seconds, weight: a row per weight.

    `strengths` is indexed by filter, in the order of the rows, `weight` is (filters, m, n). band
    and seconds count from the lowest band and the first frame of the filter.
    """
    chosen = strengths.index.to_numpy()
    _, m, n = weight.shape
    bands, frames = np.divmod(np.arange(m * n), n)
    return pd.DataFrame(
        {
            "trunk": trunk,
            "filter": np.repeat(chosen, m * n),
            "strength": np.repeat(strengths.to_numpy(), m * n),
            "band": np.tile(bands, len(chosen)),
            "seconds": np.tile((frames / frame_rate).round(6), len(chosen)),
            "weight": weight[chosen].ravel(),
        }
    )


def segments(clips: Sequence[Clip], frame_rate: float) -> pd.DataFrame:
    """Columns clip, band, seconds (of the track), energy: a row per band and frame of each clip.

    clip counts from 0, in the order of the page.
    """
    parts = []
    for number, clip in enumerate(clips):
        bands, frames = np.divmod(np.arange(clip.energies.size), clip.energies.shape[1])
        columns = {"clip": number, "band": bands}
        columns |= {"seconds": (clip.start(frame_rate) + frames / frame_rate).round(3)}
        parts.append(pd.DataFrame(columns | {"energy": clip.energies.ravel()}))
    return pd.concat(parts, ignore_index=True)
