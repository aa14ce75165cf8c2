"""The figures of the report: their file names, findings and data."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import pandas as pd
from matplotlib.figure import Figure

from workflow_scripts.interpretation.interventions import SHIFT, STRETCH
from workflow_scripts.report import (
    answer_figure,
    figure_data,
    figures,
    filter_figures,
    filter_texts,
    findings,
    headline,
    intervention_texts,
    page_content,
    segment_figures,
    segment_texts,
    sweep_figure,
    sweep_texts,
    weight_figures,
)
from workflow_scripts.report.answer import Answer
from workflow_scripts.report.confusions import Confusions
from workflow_scripts.report.material import Material
from workflow_scripts.results import comparison
from workflow_scripts.results.comparison import LEVEL


@dataclass(frozen=True)
class Drawing:
    """A figure: the name of its files, a sentence on what it shows, and its numbers."""

    name: str
    figure: Figure
    finding: str
    data: pd.DataFrame

    @property
    def csv(self) -> str:
        """The numbers as CSV; names are exact."""
        return str(self.data.to_csv(index=False, lineterminator="\n"))


def drawings(material: Material) -> Iterator[Drawing]:
    """Yield each figure; only one is in memory at a time."""
    yield from _of_results(material)
    yield from _of_sweeps(material)
    for variant in material.variants:
        yield from _of_network(material, variant)
    yield from _of_filters(material)
    yield from _of_interventions(material)
    yield from _of_segments(material)


def answer(material: Material) -> Answer:
    """The answer to the paper's question."""
    return Answer.of(
        material.table,
        material.accuracies,
        material.baselines,
        material.pairs,
        n_classes=len(material.tracks.classes),
        test_share=comparison.test_share(material.tracks),
        n_test=len(material.tracks.tested),
        level=LEVEL,
        unfair={
            frozenset(pair)
            for pair in combinations(material.variants, 2)
            if not material.trainings.comparable(*pair)
        },
        swept=[frozenset(rows["variant"]) for rows in material.sweeps.values()],
        front_end=material.front_end,
    )


def _of_results(material: Material) -> Iterator[Drawing]:
    numbers = answer(material)
    yield Drawing("answer", answer_figure.answer(numbers), "", numbers.data())
    baselines = dict(zip(material.variants, material.table["baseline_accuracy"], strict=True))
    yield Drawing(
        "accuracies",
        figures.accuracies(material.accuracies, baselines),
        findings.accuracies(material.accuracies, material.tracks.is_fixed),
        figure_data.accuracies(
            material.accuracies, baselines, [own.seed for own in material.of_seeds]
        ),
    )
    if len(material.pairs):
        best = material.table["accuracy_mean"].nlargest(figures.MOST_COMPARED).index
        compared = [v for n, v in enumerate(material.variants) if n in best]
        yield Drawing(
            "differences",
            figures.differences(material.pairs, compared, LEVEL),
            headline.differences_sentence(material.pairs, material.trainings),
            material.pairs,
        )


def _of_sweeps(material: Material) -> Iterator[Drawing]:
    numbers = answer(material)
    for name, rows in material.sweeps.items():
        folds = {variant: material.accuracies[variant] for variant in rows["variant"]}
        yield Drawing(
            f"sweep-{name}",
            sweep_figure.sweep(
                rows,
                folds,
                answer_figure.references(numbers),
                material.architectures[rows["variant"].iloc[0]],
            ),
            sweep_texts.finding(
                rows,
                folds,
                comparison.test_share(material.tracks),
                material.trainings,
            ),
            figure_data.sweep(
                rows, folds, numbers.baselines, numbers.chance, [o.seed for o in material.of_seeds]
            ),
        )


def _of_network(material: Material, variant: str) -> Iterator[Drawing]:
    classes, histories = material.tracks.classes, material.histories[variant]
    confusions = Confusions.of(pd.concat(material.predictions[variant]), classes)
    yield Drawing(
        f"confusions-{variant}",
        figures.confusion(confusions.shown()),
        confusions.sentence(),
        confusions.table(),
    )
    yield Drawing(
        f"curves-{variant}",
        figures.learning_curves(histories),
        findings.curves(histories),
        figure_data.curves(histories),
    )


def _of_filters(material: Material) -> Iterator[Drawing]:
    if material.tempi:
        yield Drawing(
            "tempi",
            filter_figures.tempi(material.tempi, material.bpm),
            findings.tempi(material.tempi),
            figure_data.tempi(material.tempi, material.bpm),
        )
    for variant in material.tempi:
        table, spectra = material.filters[variant], material.spectra[variant]
        yield Drawing(
            f"tempo-{variant}",
            filter_figures.tempo_maps(table, spectra),
            filter_texts.tempo_sentence(variant, table, material.class_tempi),
            figure_data.tempo_maps(table, spectra),
        )
    for variant, trunk in material.spectral:
        table = material.filters[variant]
        of_trunk = table[(table["fold"] == 0) & (table["trunk"] == trunk)]
        chosen = filter_figures.strongest(of_trunk)
        if len(chosen):
            weight = material.first_weights[variant][f"{trunk}.weight"]
            hertz = material.spectra[variant]["hertz"]
            yield Drawing(
                f"spectra-{variant}-{trunk}",
                filter_figures.spectral_shapes(chosen, weight, hertz),
                findings.spectral(chosen, weight, hertz),
                figure_data.spectral(chosen, weight, hertz),
            )
    for variant in material.variants:
        yield _weights(material, variant)


def _weights(material: Material, variant: str) -> Drawing:
    table, model = material.filters[variant], material.first_weights[variant]
    frame_rate = material.front_end.frame_rate
    first = table[table["fold"] == 0]
    trunks, strengths = {}, {}
    for trunk, rows in first.groupby("trunk", sort=False):
        of_filters = rows.set_index("filter")["strength"]
        chosen = of_filters.nlargest(weight_figures.MOST_FILTERS)
        trunks[str(trunk)] = (chosen, model[f"{trunk}.weight"])
        strengths[str(trunk)] = of_filters.to_numpy()
    return Drawing(
        f"weights-{variant}",
        weight_figures.weights(trunks, frame_rate),
        findings.weights(strengths),
        pd.concat(
            [figure_data.weights(trunk, *shown, frame_rate) for trunk, shown in trunks.items()]
        ),
    )


def _of_interventions(material: Material) -> Iterator[Drawing]:
    table, architectures = material.interventions, material.architectures
    sentences = {
        STRETCH: intervention_texts.stretch_sentence(table),
        SHIFT: intervention_texts.shift_sentence(
            table, architectures, page_content.heights(material.table)
        ),
    }
    for kind, sentence in sentences.items():
        yield Drawing(
            kind,
            figures.interventions(table, kind, architectures),
            sentence,
            figure_data.interventions(table, kind),
        )


def _of_segments(material: Material) -> Iterator[Drawing]:
    front_end = material.front_end
    for number, clips in enumerate(material.clips.values()):
        hertz = next(iter(material.spectra.values()))["hertz"]
        yield Drawing(
            segment_texts.figure_name(number),
            segment_figures.spectrograms(clips, hertz, front_end),
            segment_texts.finding(clips, hertz, front_end.frame_rate),
            figure_data.segments(clips, front_end.frame_rate),
        )
