"""Table I of the paper, computed from predictions, with the paper's numbers beside ours."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.audio.parameters import PAPERS
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.errors import printable
from workflow_scripts.networks import layers
from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.layers import Convolution, Pool
from workflow_scripts.results import baselines as known_baselines
from workflow_scripts.results import fixed_split
from workflow_scripts.results.baselines import baseline_of
from workflow_scripts.results.markdown import escaped, table_lines
from workflow_scripts.results.predictions import class_accuracy, segment_accuracy, track_accuracy

PAPER = Path(__file__).with_name("paper_table1.csv")
# Of a fixed split only.
INTERVAL = ("accuracy_low", "accuracy_high")
SHOWN_INTERVAL = "95 % interval"


def what(tracks: Tracks) -> str:
    """What table1.csv is, for its checksum."""
    return f"Table I of the tracks {tracks.key}"


def read(csv: Path, tracks: Tracks) -> pd.DataFrame:
    """The table table1.csv; unknown numbers are NaN. Raises UserError if it is damaged."""
    table = checked_tables.read(
        csv, what(tracks), keep_default_na=False, na_values=[""], dtype={"variant": str}
    )
    # A table of an earlier version is of the paper's front end.
    if "n_bands" not in table:
        table["n_bands"] = PAPERS.n_bands
    return table.assign(baseline=table["baseline"].fillna(""))


def row(
    variant: str,
    description: Mapping[str, Any],
    network: Network,
    predictions: Sequence[pd.DataFrame],
    baselines: pd.DataFrame,
    n_seeds: int = 1,
) -> dict[str, Any]:
    """One row of table1.csv, without the paper's columns.

    Accuracies are in %; means and standard deviations (ddof 0) are over `predictions`, one table
    per fold, seed by seed. accuracy_std_seeds is the standard deviation (ddof 0) of the `n_seeds`
    means over the folds of a seed, empty for one seed. `baselines` has the columns baseline, fold,
    accuracy; the cells of a baseline that it lacks are empty. A fixed split, which has one table
    for each seed, has the columns accuracy_low and accuracy_high, see `fixed_split.interval`; its
    standard deviations are over seeds, empty for one seed.
    """
    tracks = [track_accuracy(fold) for fold in predictions]
    segments = [segment_accuracy(fold) for fold in predictions]
    by_class = [class_accuracy(fold) for fold in predictions]
    baseline = baseline_of(description["architecture"], set(baselines["baseline"]))
    of_seeds = np.mean(np.reshape(tracks, (n_seeds, -1)), axis=1)
    of_baseline = baselines.loc[baselines["baseline"] == baseline, "accuracy"]
    return {
        "variant": variant,
        "architecture": description["architecture"],
        "input_frames": network.frames,
        "filter": _shapes(network, Convolution),
        "pool": _shapes(network, Pool),
        "parameters": network.n_parameters(),
        "accuracy_mean": np.mean(tracks),
        "accuracy_std": _std(tracks),
        "segment_accuracy_mean": np.mean(segments),
        "segment_accuracy_std": _std(segments),
        "n_folds": len(predictions) // n_seeds,
        "paper_accuracy_mean": np.nan,
        "paper_accuracy_std": np.nan,
        "baseline": baseline if len(of_baseline) else "",
        "baseline_accuracy": of_baseline.mean() if len(of_baseline) else np.nan,
        "paper_baseline_accuracy": np.nan,
        "class_accuracy_mean": np.mean(by_class),
        "class_accuracy_std": _std(by_class),
        "n_seeds": n_seeds,
        "accuracy_std_seeds": _std(of_seeds) if n_seeds > 1 else np.nan,
        "n_bands": network.bands,
        **_interval(float(np.mean(tracks)), predictions, n_seeds),
    }


def _std(values: Sequence[float] | np.ndarray) -> float:
    """The standard deviation (ddof 0); NaN of a single value."""
    return float(np.std(values)) if len(values) > 1 else np.nan


def _interval(
    accuracy: float, predictions: Sequence[pd.DataFrame], n_seeds: int
) -> dict[str, float]:
    """The columns of the interval of the accuracy; none with folds."""
    if len(predictions) > n_seeds:
        return {}
    low, high = fixed_split.interval(accuracy, len(predictions[0]))
    return {"accuracy_low": low, "accuracy_high": high}


def with_paper(table: pd.DataFrame) -> pd.DataFrame:
    """A copy of the table with the paper's columns filled for the variants in the paper."""
    paper = pd.read_csv(PAPER, index_col="variant").reindex(table["variant"])
    filled = table.copy()
    for column in paper:
        filled[f"paper_{column}"] = paper[column].to_numpy()
    return filled


def for_people(table: pd.DataFrame) -> pd.DataFrame:
    """The table as text for a reader; without the paper's columns if they are empty."""
    shown = pd.DataFrame(
        {
            "Variant": table["variant"],
            "Input": [
                f"({bands}, {frames})"
                for bands, frames in zip(table["n_bands"], table["input_frames"], strict=True)
            ],
            "Filter": table["filter"],
            "Parameters": [f"{n:,}".replace(",", " ") for n in table["parameters"]],
            "Max-pool": table["pool"],
            "Accuracy": _spread(table["accuracy_mean"], table["accuracy_std"]),
            "Segments": _spread(table["segment_accuracy_mean"], table["segment_accuracy_std"]),
            "Classes": _spread(table["class_accuracy_mean"], table["class_accuracy_std"]),
            "Baseline": [
                f"{accuracy:.2f} {known_baselines.shown(name)}" if name else ""
                for name, accuracy in zip(
                    table["baseline"], table["baseline_accuracy"], strict=True
                )
            ],
        }
    )
    if INTERVAL[0] in table:
        ends = zip(*(table[column] for column in INTERVAL), strict=True)
        intervals = [f"{low:.2f} to {high:.2f}" for low, high in ends]
        shown.insert(shown.columns.get_loc("Accuracy") + 1, SHOWN_INTERVAL, intervals)
    if (table["n_seeds"] > 1).any():
        between = [f"{std:.2f}" for std in table["accuracy_std_seeds"]]
        shown.insert(shown.columns.get_loc("Classes") + 1, "Between seeds", between)
    if table["paper_accuracy_mean"].notna().any():
        shown["Paper"] = _spread(table["paper_accuracy_mean"], table["paper_accuracy_std"])
        shown["Paper's baseline"] = [
            "" if np.isnan(accuracy) else f"{accuracy:g}"
            for accuracy in table["paper_baseline_accuracy"]
        ]
    return shown


def markdown(shown: pd.DataFrame, title: str, notes: Sequence[str]) -> str:
    """A Markdown page: title, aligned table, notes; names are shown as they are."""
    texts = map(escaped, notes)
    return "\n".join([f"# {escaped(title)}", "", *table_lines(shown), "", *texts, ""])


def latex(shown: pd.DataFrame, name: str, notes: Sequence[str]) -> str:
    """A LaTeX table environment that needs no package; `name` is that of the experiment.

    Its label is tab:NAME. The notes are a paragraph below the table.
    """
    rows = [[_latex_text(cell) for cell in row] for row in shown.to_numpy().tolist()]
    head = " & ".join(_latex_text(column) for column in shown.columns)
    body = "\n".join("    " + " & ".join(row) + r" \\" for row in rows)
    spread = "" if SHOWN_INTERVAL in shown else ", mean ± standard deviation"
    caption = f"Test accuracies of the networks of {name}{spread} in %."
    below = "\n".join(f"    {_latex_text(note)}" for note in notes)
    return (
        "\\begin{table}\n"
        f"  \\caption{{{_latex_text(caption)}}}\n"
        f"  \\label{{tab:{name}}}\n"
        f"  \\begin{{tabular}}{{{'l' * len(shown.columns)}}}\n"
        f"    \\hline\n    {head} \\\\\n    \\hline\n{body}\n    \\hline\n"
        "  \\end{tabular}\n"
        "  \\par\\medskip\n"
        f"  {{\\footnotesize\\raggedright\n{below}\\par}}\n"
        "\\end{table}\n"
    )


def _shapes(network: Network, kind: type[Convolution | Pool]) -> str:
    """The shapes of all layers of a kind: / between those of a trunk, - between trunks."""
    trunks = []
    for trunk in network.trunks.values():
        found = [p.layer for p in layers.flattened(trunk.layers) if isinstance(p.layer, kind)]
        shapes = [
            layer.filter if isinstance(layer, Convolution) else layer.shape for layer in found
        ]
        trunks.append("/".join(map(str, shapes)))
    return "-".join(trunks)


def _spread(means: pd.Series, stds: pd.Series) -> list[str]:
    pairs = zip(means, stds, strict=True)
    return ["" if np.isnan(mean) else spread(mean, std) for mean, std in pairs]


def spread(mean: float, std: float) -> str:
    """A mean with its standard deviation, which is NaN of a single value."""
    return f"{mean:.2f}" if np.isnan(std) else f"{mean:.2f} ± {std:.2f}"


def _latex_text(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    # In LaTeX's default encoding, these three are other characters.
    special |= {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
    special |= {c: f"\\{c}" for c in "&%$#_{}"} | {"±": r"$\pm$"}
    return "".join(special.get(c, c) for c in printable(text))
