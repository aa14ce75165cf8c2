"""The figures of the report and their file names."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure

from workflow_scripts.interpretation.interventions import SHIFT, STRETCH
from workflow_scripts.report import figures, filter_figures
from workflow_scripts.report.confusions import Confusions
from workflow_scripts.report.material import Material
from workflow_scripts.results.comparison import LEVEL


def drawings(material: Material) -> Iterator[tuple[str, Figure]]:
    """Yield the name and the figure of each file; only one figure is in memory at a time."""
    classes = material.tracks.classes
    baselines = dict(zip(material.variants, material.table["baseline_accuracy"], strict=True))
    yield "accuracies", figures.accuracies(material.accuracies, baselines)
    if len(material.pairs):
        yield "differences", figures.differences(material.pairs, material.variants, LEVEL)
    for variant in material.variants:
        confusions = Confusions.of(pd.concat(material.predictions[variant]), classes)
        yield f"confusions-{variant}", figures.confusion(confusions.shown())
        yield f"curves-{variant}", figures.learning_curves(material.histories[variant])
    if material.tempi:
        yield "tempi", filter_figures.tempi(material.tempi, material.bpm)
    for variant in material.tempi:
        table, spectra = material.filters[variant], material.spectra[variant]
        yield f"tempo-{variant}", filter_figures.tempo_maps(table, spectra)
    for variant, trunk in material.spectral:
        table = material.filters[variant]
        chosen = table[(table["fold"] == 0) & (table["trunk"] == trunk)]
        if chosen["offset"].notna().any():
            weight = material.first_weights[variant][f"{trunk}.weight"]
            hertz = material.spectra[variant]["hertz"]
            figure = filter_figures.spectral_shapes(chosen, weight, hertz)
            yield f"spectra-{variant}-{trunk}", figure
    for kind in (STRETCH, SHIFT):
        yield kind, figures.interventions(material.interventions, kind, material.architectures)
