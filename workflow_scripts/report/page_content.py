"""The contents of the page, from finished results."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import yaml

from workflow_scripts.report import (
    citation,
    header,
    intervention_texts,
    methods,
    sweep_texts,
)
from workflow_scripts.report.confusions import Confusions
from workflow_scripts.report.headline import headline
from workflow_scripts.report.material import Material
from workflow_scripts.report.outcomes import Error, most_confident
from workflow_scripts.report.page import Page
from workflow_scripts.report.replica_texts import replica_section
from workflow_scripts.report.table_section import baseline_rows, table_columns, table_rows
from workflow_scripts.results import provenance
from workflow_scripts.results.caveats import caveats
from workflow_scripts.results.data_licences import DATA
from workflow_scripts.results.notes import legend


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
    evidence = material.evidence(dataset)
    return Page(
        name=name,
        headline=headline(table, evidence),
        warnings=caveats(evidence),
        legend=legend(material.tracks, len(material.of_seeds)),
        columns=table_columns(table),
        rows=table_rows(table, material.accuracies),
        baselines=baseline_rows(material.baselines),
        pairs=material.pairs.to_dict("records"),
        networks=[
            network(
                variant,
                Confusions.of(pd.concat(material.predictions[variant]), classes),
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
        temporal=list(material.tempi),
        spectral=material.spectral,
        sweeps=[sweep(name, rows) for name, rows in material.sweeps.items()],
        is_fixed=material.tracks.is_fixed,
    )


def sweep(name: str, rows: pd.DataFrame) -> dict[str, Any]:
    """The contents of the section on one sweep; `rows` are its rows in sweeps.csv."""
    first = rows.iloc[0]
    return {
        "name": name,
        "base": first["base"],
        "key": first["key"],
        "rows": [
            {
                "value": sweep_texts.shown(row.value),
                "sorted_by": row.value if sweep_texts.is_numeric(rows) else "",
                "variant": row.variant,
                "mean": row.accuracy_mean,
                "spread": f"{row.accuracy_mean:.2f} ± {row.accuracy_std:.2f}",
                "interval": f"{row.low:.1f} to {row.high:.1f}",
                "p_best": "" if np.isnan(row.p_best) else f"{row.p_best:.3f}",
                "converged": "yes" if row.converged else "not known",
            }
            for row in rows.itertuples()
        ],
    }


def heights(table: pd.DataFrame) -> dict[str, int]:
    """m of the first trunk of each variant, from cells of table1.csv such as "(32, 1)"."""
    firsts = table["filter"].str.extract(r"\((\d+),")[0].astype(int)
    return dict(zip(table["variant"], firsts, strict=True))


def network(
    variant: str,
    confusions: Confusions,
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
