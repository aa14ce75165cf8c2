"""The page: what it says, from tables, and the template that it says it with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from workflow_scripts.interpretation import intervention_table
from workflow_scripts.interpretation.interventions import SHIFT, STRETCH
from workflow_scripts.report import filter_texts, network_texts
from workflow_scripts.report.material import Material
from workflow_scripts.results import provenance
from workflow_scripts.results.baselines import NAMES
from workflow_scripts.results.data_licences import DATA
from workflow_scripts.results.notes import notes
from workflow_scripts.results.table1 import for_people

# Differences less probable than this by chance are called real.
LEVEL = 0.05
# At which the page tells how decisions move.
SLOWED = 0.8


@dataclass
class Page:
    """All that the template shows; its fields are the template's names."""

    name: str
    headline: str
    warnings: list[str]
    legend: str
    columns: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    systems: list[tuple[str, str]]
    pairs: list[dict[str, Any]]
    differences_sentence: str
    classes: list[str]
    networks: list[dict[str, Any]]
    best: str
    costs: list[dict[str, Any]]
    provenance: str
    licence: str
    configuration: str
    stretch_sentence: str = ""
    shift_sentence: str = ""
    temporal: list[dict[str, str]] = field(default_factory=list)
    spectral: list[tuple[str, str]] = field(default_factory=list)
    sounds: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, str] = field(default_factory=dict)
    players: dict[str, int] = field(default_factory=dict)
    sound_data: str = "[]"
    level: float = LEVEL

    def html(self) -> str:
        """The page as one document that needs no other file."""
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folder),
            autoescape=True,
            trim_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        folder = Path(__file__).parent
        return environment.get_template("template.html.j2").render(
            vars(self),
            style=jinja2.filters.do_mark_safe((folder / "style.css").read_text()),
            script=jinja2.filters.do_mark_safe((folder / "script.js").read_text()),
            contents=self._contents(),
        )

    def _contents(self) -> list[tuple[str, str]]:
        """Id and title of each section that there is."""
        sections = [
            ("table", "Table I", True),
            ("differences", "Which differences are real", self.pairs),
            ("networks", "Network by network", True),
            ("time", "What the temporal filters learned", self.temporal),
            ("frequency", "What the spectral filters learned", self.spectral),
            ("interventions", "Played faster, slower, higher, lower", self.stretch_sentence),
            ("sounds", "Listen to filters", self.sounds),
            ("costs", "Time and memory", True),
            ("made", "How it was made", True),
        ]
        return [(id_, title) for id_, title, there in sections if there]


def page(
    material: Material, name: str, dataset: str, jobs: pd.DataFrame, configuration: str
) -> Page:
    """What the page says of these results, without figures and sounds.

    `dataset` is ballroom, demo or folder; `jobs` is `costs.measured`, `configuration` YAML.
    """
    table, classes = material.table, material.tracks.classes
    legend, *warnings = notes(material.tracks, material.n_skipped, dataset)
    return Page(
        name=name,
        headline=headline(table, material.baselines),
        warnings=warnings,
        legend=legend,
        columns=table_columns(for_people(table)),
        rows=table_rows(table, material.accuracies),
        systems=systems(material.baselines),
        pairs=material.pairs.to_dict("records"),
        differences_sentence=differences_sentence(material.pairs),
        classes=classes,
        networks=[
            network(
                variant,
                pd.concat(folds),
                material.histories[variant],
                material.moved[variant],
                classes,
            )
            for variant, folds in material.predictions.items()
        ],
        best=str(table.loc[table["accuracy_mean"].idxmax(), "variant"]),
        costs=costs(jobs),
        provenance=provenance.sentence(material.fits),
        licence=DATA[dataset].format(name=name),
        configuration=configuration,
        stretch_sentence=stretch_sentence(material.under),
        shift_sentence=shift_sentence(material.under, material.architectures, heights(table)),
        temporal=[
            {
                "variant": variant,
                "sentence": filter_texts.tempo_sentence(
                    variant, material.filters[variant], material.class_tempi
                ),
            }
            for variant in material.tempi
        ],
        spectral=material.spectral,
    )


def heights(table: pd.DataFrame) -> dict[str, int]:
    """m of each variant's first filter, from the cells of table1.csv, such as "(32, 1)"."""
    firsts = table["filter"].str.extract(r"\((\d+),")[0].astype(int)
    return dict(zip(table["variant"], firsts, strict=True))


def headline(table: pd.DataFrame, baselines: pd.DataFrame) -> str:
    """How well, with which certainty, against what."""
    best = table.loc[table["accuracy_mean"].idxmax()]
    systems = baselines.groupby("system")["accuracy"].mean()
    rival = str(systems.idxmax())
    return (
        f"{best['variant']} decides {best['accuracy_mean']:.1f} per cent of the test tracks right "
        f"(± {best['accuracy_std']:.1f} over {best['n_folds']} folds), the most of "
        f"{len(table)} networks. The best system without a network, {NAMES[rival]}, decides "
        f"{systems[rival]:.1f} per cent right."
    )


def table_columns(shown: pd.DataFrame) -> list[dict[str, Any]]:
    """Heads of Table I: those of `for_people`, and one for the dots."""
    numeric = {"Parameters", "Accuracy", "Segments", "Paper", "Paper's baseline"}
    columns = [
        {"title": c, "numeric": c in numeric, "wrap": c == "Baseline", "sortable": True}
        for c in shown
    ]
    dots = {"title": "Folds, 0 to 100 per cent", "numeric": False, "sortable": False}
    return [columns[0], dots, *columns[1:]]


def table_rows(table: pd.DataFrame, folds: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    """Rows of Table I: cells with the values that they are sorted by, and what the dots show."""
    shown = for_people(table)
    sorted_by = {
        "Input": table["input_frames"],
        "Parameters": table["parameters"],
        "Accuracy": table["accuracy_mean"],
        "Segments": table["segment_accuracy_mean"],
        "Baseline": table["baseline_accuracy"],
        "Paper": table["paper_accuracy_mean"],
        "Paper's baseline": table["paper_baseline_accuracy"],
    }
    heads = table_columns(shown)
    rows = []
    for number, row in enumerate(table.to_dict("records")):
        cells = []
        for head in [head for head in heads if head["sortable"]]:
            text = shown.iloc[number][head["title"]]
            values = sorted_by.get(head["title"])
            value = text if values is None else values.iloc[number]
            unknown = isinstance(value, float) and np.isnan(value)
            cells.append({"text": text, "value": "" if unknown else value} | head)
        mean, std, baseline = (
            row[f"{k}"] for k in ("accuracy_mean", "accuracy_std", "baseline_accuracy")
        )
        rows.append(
            {
                "cells": cells,
                "folds": list(folds[row["variant"]]),
                "mean": mean,
                "low": max(mean - std, 0),
                "high": min(mean + std, 100),
                "baseline": None if np.isnan(baseline) else baseline,
            }
        )
    return rows


def systems(baselines: pd.DataFrame) -> list[tuple[str, str]]:
    """Name and accuracy of each system without a network, the best first."""
    grouped = baselines.groupby("system")["accuracy"]
    means, stds = grouped.mean().sort_values(ascending=False), grouped.std(ddof=0)
    return [(NAMES[s], f"{mean:.2f} ± {stds[s]:.2f}") for s, mean in means.items()]


def differences_sentence(pairs: pd.DataFrame) -> str:
    """How many pairs differ beyond chance, and the largest of these differences."""
    if not len(pairs):
        return ""
    real = pairs[pairs["p_holm"] < LEVEL]
    if not len(real):
        return (
            f"None of the {len(pairs)} pairs of networks differs beyond chance at the level of "
            f"{LEVEL}: with so few folds and tracks the order in Table I is not to be relied on."
        )
    largest = real.loc[real["difference"].abs().idxmax()]
    better, worse = largest["first"], largest["second"]
    if largest["difference"] < 0:
        better, worse = worse, better
    return (
        f"{len(real)} of the {len(pairs)} pairs of networks differ beyond chance at the level of "
        f"{LEVEL}, most of all {better} from {worse}, by {abs(largest['difference']):.1f} points; "
        "the order of the others in Table I is not to be relied on."
    )


def network(
    variant: str,
    predictions: pd.DataFrame,
    histories: Sequence[pd.DataFrame],
    moved: pd.DataFrame,
    classes: list[str],
) -> dict[str, Any]:
    """What the page shows of one network; `moved` are its counts under interventions."""
    counts = network_texts.confusions(predictions, classes)
    sums = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return {
        "variant": variant,
        "confusion_sentence": network_texts.most_frequent_confusion(counts, classes),
        "confusions": [
            [{"count": n, "share": round(100 * n / total)} for n in row]
            for row, (total,) in zip(counts, sums, strict=True)
        ],
        "learning_sentence": network_texts.learning(histories),
        "mistakes": network_texts.surest_mistakes(predictions, classes),
        "moves": {"how": f"played at {SLOWED} of its tempo", "sentence": moves_sentence(moved)},
    }


def moves_sentence(counts: pd.DataFrame) -> str:
    """Where the decisions of each class go when the tracks are slowed to SLOWED."""
    table = intervention_table.moves(counts, STRETCH, SLOWED)
    told = []
    for name, row in table.iterrows():
        away = row.drop(name)
        if row.sum() and away.sum():
            told.append(
                f"{away.sum()} of {row.sum()} {name} (most to {away.idxmax()}: {away.max()})"
            )
    if not told:
        return "No decision moves."
    return f"Other decisions than before: {'; '.join(told)}."


def stretch_sentence(table: pd.DataFrame) -> str:
    """Which network minds tempo most, which least."""
    return _most_and_least(table[table["intervention"] == STRETCH], "of any tempo from 0.7 to 1.4")


def shift_sentence(
    table: pd.DataFrame, architectures: Mapping[str, str], heights: Mapping[str, int]
) -> str:
    """Which network minds pitch most, which least; whether small filters mind it less."""
    shifts = table[table["intervention"] == SHIFT]
    told = _most_and_least(shifts, "of any shift up to six bands")
    losses = _losses(shifts)
    single = [v for v, a in architectures.items() if a == "Frequency" and v in losses]
    whole = [v for v in single if heights[v] == max(heights[w] for w in single)]
    part = [v for v in single if v not in whole]
    if not whole or not part:
        return told
    of_whole, of_part = losses[whole].mean(), losses[part].mean()
    return (
        f"{told} The paper supposes that filters which do not span all bands lose less: those of "
        f"{heights[whole[0]]} bands lose {of_whole:.1f} points on average, the smaller ones "
        f"{of_part:.1f}."
    )


def _losses(table: pd.DataFrame) -> pd.Series:
    """Points of accuracy that each variant loses on average over the amounts, most first."""
    unchanged = {STRETCH: 1.0, SHIFT: 0.0}
    still = table["amount"] == table["intervention"].map(unchanged)
    before = table[still].set_index("variant")["accuracy_mean"]
    after = table[~still].groupby("variant")["accuracy_mean"].mean()
    return (before - after).sort_values(ascending=False)


def _most_and_least(table: pd.DataFrame, amounts: str) -> str:
    losses = _losses(table)
    if len(losses) < 2:
        return f"{losses.index[0]} loses {losses.iloc[0]:.1f} points on average {amounts}."
    return (
        f"On average {amounts}, {losses.index[0]} loses most, {losses.iloc[0]:.1f} points, and "
        f"{losses.index[-1]} least, {losses.iloc[-1]:.1f}."
    )


def costs(jobs: pd.DataFrame) -> list[dict[str, Any]]:
    """A row a rule; `jobs` have rule, seconds, megabytes."""
    rows = []
    for rule, group in jobs.groupby("rule", sort=False):
        seconds, megabytes = group["seconds"], group["megabytes"].max()
        numbers = [
            len(group),
            *(f"{s:.1f}" for s in (seconds.sum(), seconds.median(), seconds.max())),
        ]
        rows.append(
            {"rule": rule, "numbers": [*numbers, "" if np.isnan(megabytes) else f"{megabytes:.0f}"]}
        )
    return rows
