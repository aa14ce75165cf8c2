"""The contents of the page, from finished results."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import yaml

from workflow_scripts.networks import explosion
from workflow_scripts.report import (
    citation,
    filter_texts,
    header,
    intervention_texts,
    methods,
    network_texts,
)
from workflow_scripts.report.confusions import Confusions
from workflow_scripts.report.material import Material
from workflow_scripts.report.outcomes import Error, most_confident
from workflow_scripts.report.page import LEVEL, Page
from workflow_scripts.report.replica_texts import replica_section
from workflow_scripts.report.table_section import baseline_rows, table_columns, table_rows
from workflow_scripts.results import baselines as known_baselines
from workflow_scripts.results import provenance
from workflow_scripts.results.data_licences import DATA
from workflow_scripts.results.notes import notes
from workflow_scripts.results.seed_notes import repetitions, together


def page(
    material: Material,
    name: str,
    dataset: str,
    configuration: Mapping[str, Any],
    cited: Mapping[str, Any],
) -> Page:
    """The page, without figures and sounds.

    `dataset` is ballroom, demo or folder; `configuration` is complete, but for paths; `cited` is
    CITATION.cff, as `citation.stated` returns it.
    """
    table, classes = material.table, material.tracks.classes
    never_predicted, n_seeds = material.never_predicted, len(material.of_seeds)
    legend, *warnings = together(
        {
            own.seed: [
                *notes(
                    own.tracks,
                    material.replicas,
                    material.n_skipped,
                    dataset,
                    never_predicted,
                    n_seeds,
                ),
                *explosion.sentences(own.all_fits),
            ]
            for own in material.of_seeds
        }
    )
    return Page(
        name=name,
        headline=headline(table, material.baselines),
        warnings=warnings,
        legend=legend,
        columns=table_columns(table),
        rows=table_rows(table, material.accuracies),
        baselines=baseline_rows(material.baselines),
        pairs=material.pairs.to_dict("records"),
        differences_sentence=differences_sentence(material.pairs),
        networks=[
            network(
                variant,
                Confusions.of(pd.concat(material.predictions[variant]), classes),
                material.histories[variant],
                material.changed[variant],
                most_confident(folds),
            )
            for variant, folds in material.outcomes.items()
        ],
        best=str(table.loc[table["accuracy_mean"].idxmax(), "variant"]),
        costs=costs(material.fits),
        replicas=replica_section(material.replicas, material.tracks),
        provenance=provenance.sentence(material.fits),
        licence=DATA[dataset].format(name=name),
        configuration=yaml.safe_dump(
            dict(configuration), sort_keys=False, allow_unicode=True, default_flow_style=None
        ),
        facts=header.facts(
            material.tracks,
            material.baselines,
            material.fits,
            dataset,
            cited.get("version", ""),
        ),
        bibtex=citation.bibtex(cited, provenance.commits(material.fits)),
        methods=methods.paragraphs(configuration, material.fits, material.tracks),
        stretch_sentence=intervention_texts.stretch_sentence(material.interventions),
        shift_sentence=intervention_texts.shift_sentence(
            material.interventions, material.architectures, heights(table)
        ),
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
    """m of the first trunk of each variant, from cells of table1.csv such as "(32, 1)"."""
    firsts = table["filter"].str.extract(r"\((\d+),")[0].astype(int)
    return dict(zip(table["variant"], firsts, strict=True))


def headline(table: pd.DataFrame, baselines: pd.DataFrame) -> str:
    """A sentence on the best network and the best baseline."""
    best = table.loc[table["accuracy_mean"].idxmax()]
    means = baselines.groupby("baseline")["accuracy"].mean()
    baseline = str(means.idxmax())
    name = known_baselines.shown(baseline)
    rank = f" is the most accurate of {len(table)} networks: it" if len(table) > 1 else ""
    return (
        f"{best['variant']}{rank} predicts "
        f"{best['accuracy_mean']:.1f} % of the test tracks correctly (± {best['accuracy_std']:.1f} "
        f"over {repetitions(best['n_folds'], best['n_seeds'])}). "
        f"The best baseline, {name}, predicts "
        f"{means[baseline]:.1f} %."
    )


def differences_sentence(pairs: pd.DataFrame) -> str:
    """The number of pairs that differ significantly, and the largest of these differences."""
    if not len(pairs):
        return ""
    significant = pairs[pairs["p_holm"] < LEVEL]
    if not len(significant):
        none = f"None of the {len(pairs)} pairs of networks differs"
        return (
            f"{none if len(pairs) > 1 else 'The two networks do not differ'} significantly at the "
            f"level of {LEVEL}: with so few folds and tracks, do not rely on the order in Table I."
        )
    largest = significant.loc[significant["difference"].abs().idxmax()]
    better, worse = largest["first"], largest["second"]
    if largest["difference"] < 0:
        better, worse = worse, better
    if len(pairs) == 1:
        return (
            f"The two networks differ significantly at the level of {LEVEL}: {better} is "
            f"{abs(largest['difference']):.1f} points better than {worse}."
        )
    differ = "differs" if len(significant) == 1 else "differ"
    return (
        f"{len(significant)} of the {len(pairs)} pairs of networks {differ} significantly at the "
        f"level of {LEVEL}. The largest difference: {better} is {abs(largest['difference']):.1f} "
        f"points better than {worse}. Do not rely on the order of the other pairs in Table I."
    )


def network(
    variant: str,
    confusions: Confusions,
    histories: Sequence[pd.DataFrame],
    changed: pd.DataFrame,
    errors: list[Error],
) -> dict[str, Any]:
    """The contents of the section on one network; `changed` are its counts of interventions."""
    shown = confusions.shown()
    return {
        "variant": variant,
        "confusion_sentence": confusions.sentence(),
        "confusions": shown,
        "confusion_rows": [
            [
                {"count": n, "share": round(100 * share)}
                for n, share in zip(counts, shares, strict=True)
            ]
            for counts, shares in zip(shown.counts, shown.shares, strict=True)
        ],
        "learning_sentence": network_texts.learning(histories),
        "errors": errors,
        "changes": {
            "condition": f"at {intervention_texts.SLOWED} times the tempo",
            "sentence": intervention_texts.changes_sentence(changed),
        },
    }


def costs(fits: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Time and memory of training, one row per variant; `fits` are contents of fit.json."""
    columns = ["variant", "n_epochs", "seconds", "peak_memory_mb"]
    table = pd.DataFrame([{column: fit[column] for column in columns} for fit in fits])
    rows = []
    for variant, group in table.groupby("variant", sort=False):
        seconds = group["seconds"]
        numbers = [
            len(group),
            f"{group['n_epochs'].median():.0f}",
            f"{1000 * (seconds / group['n_epochs']).median():.0f}",
            f"{seconds.sum():.1f}",
            f"{seconds.max():.1f}",
            f"{group['peak_memory_mb'].max():.0f}",
        ]
        rows.append({"variant": variant, "numbers": numbers})
    return rows
