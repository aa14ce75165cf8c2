"""Write the report: one page with results and what the networks learned, and its figures."""

import argparse
import base64
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.audio.decoding import NotAudioError
from workflow_scripts.audio.worker import Worker
from workflow_scripts.configuration import KEPT
from workflow_scripts.dataset import split
from workflow_scripts.dataset.tables import paths_of, read_table
from workflow_scripts.interpretation import intervention_table
from workflow_scripts.interpretation.interventions import SHIFT, STRETCH
from workflow_scripts.networks import weights
from workflow_scripts.page import content, figures, filter_figures, filters, networks, svg
from workflow_scripts.results import comparison, costs, predictions, provenance, table1
from workflow_scripts.results.licences import DATA
from workflow_scripts.results.notes import notes
from workflow_scripts.step import atomic, run


def opening(audio: Path) -> bytes:
    """`excerpts.opening`; Essentia is imported in the process that calls this."""
    from workflow_scripts.audio import excerpts

    return excerpts.opening(audio)


def openings(tracks: Path, wanted: dict[str, str]) -> dict[str, bytes]:
    """By track_id the opening of each track as MP3, but for those whose audio is not at hand.

    `wanted` is the digest of each track_id; `tracks` is tracks.csv.
    """
    paths = paths_of(tracks, set(wanted.values()))
    heard = {}
    with Worker(opening) as worker:
        for track_id, digest in wanted.items():
            try:
                heard[track_id] = worker(Path(paths[digest]))
            except NotAudioError as reason:
                print(f"no player for {track_id}: {paths[digest]} {reason}")
    return heard


def known_tempi(tracks: Path, track_ids: np.ndarray) -> np.ndarray:
    """The annotated BPM of these tracks; none at all unless each is known."""
    listed = read_table(tracks).set_index("track_id").loc[track_ids]
    known = "bpm" in listed and listed["bpm"].notna().all()
    return listed["bpm"].to_numpy() if known else np.empty(0)


class Sounds:
    """The sounds of the page, each once, as base64."""

    def __init__(self) -> None:
        self._encoded: list[str] = []

    def add(self, mp3: bytes) -> int:
        """The number by which players call it."""
        self._encoded.append(base64.b64encode(mp3).decode())
        return len(self._encoded) - 1

    def json(self) -> str:
        """All of them, a list."""
        return json.dumps(self._encoded)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    each = "variant by variant, fold by fold"
    parser.add_argument("--tracks", type=Path, required=True, help="tracks.csv")
    parser.add_argument("--labels", type=Path, required=True, help="labels.csv")
    parser.add_argument("--folds", type=Path, required=True, help="folds.csv")
    parser.add_argument("--skipped", type=Path, required=True, help="skipped.csv")
    parser.add_argument("--baselines", type=Path, required=True, help="baselines.csv")
    parser.add_argument("--table", type=Path, required=True, help="table1.csv")
    parser.add_argument("--predictions", type=Path, nargs="+", required=True, help=each)
    parser.add_argument("--histories", type=Path, nargs="+", required=True, help=each)
    parser.add_argument("--fits", type=Path, nargs="+", required=True, help=f"fit.json, {each}")
    parser.add_argument(
        "--moves", type=Path, nargs="+", required=True, help="interventions of each variant"
    )
    parser.add_argument("--interventions", type=Path, required=True, help="interventions.csv")
    parser.add_argument("--filters", type=Path, nargs="+", required=True, help="of each variant")
    parser.add_argument(
        "--weights", type=Path, nargs="+", required=True, help="fold 0 of each variant"
    )
    parser.add_argument("--sounds", type=Path, required=True, help="folder of auralise")
    parser.add_argument("--dataset", required=True, help="ballroom, demo or folder")
    parser.add_argument("--name", required=True, help="the experiment's name")
    parser.add_argument("--report", type=Path, required=True, help="page to write")
    parser.add_argument("--figures", type=Path, required=True, help="folder to write figures into")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    options = parse(arguments)
    results = options.report.parent
    tracks = split.read(options.labels, options.folds)
    table = pd.read_csv(
        options.table, keep_default_na=False, na_values=[""], dtype={"variant": str}
    )
    table["baseline"] = table["baseline"].fillna("")
    baselines = pd.read_csv(options.baselines)
    variants = table["variant"].tolist()
    architectures = dict(zip(variants, table["architecture"], strict=True))

    def by_variant(files: Sequence[Path]) -> dict[str, Sequence[Path]]:
        n = tracks.n_folds
        return {v: files[i * n : (i + 1) * n] for i, v in enumerate(variants)}

    decided = {
        v: [predictions.read(f) for f in p] for v, p in by_variant(options.predictions).items()
    }
    histories = {v: [pd.read_csv(f) for f in p] for v, p in by_variant(options.histories).items()}
    moved = {csv.stem: intervention_table.read(csv) for csv in options.moves}
    accuracies = {v: [predictions.track_accuracy(f) for f in folds] for v, folds in decided.items()}
    # Of K folds one tests, one validates, the others train.
    pairs = comparison.pairs(decided, 1 / max(tracks.n_folds - 2, 1))
    under = pd.read_csv(options.interventions, dtype={"variant": str})
    legend, *warnings = notes(tracks, len(read_table(options.skipped)), options.dataset)
    heights = {v: _height(row["filter"]) for v, row in table.set_index("variant").iterrows()}

    page = content.Page(
        name=options.name,
        headline=content.headline(table, baselines),
        warnings=warnings,
        legend=legend,
        columns=content.table_columns(table1.for_people(table)),
        rows=content.table_rows(table, accuracies),
        systems=content.systems(baselines),
        pairs=pairs.to_dict("records"),
        differences_sentence=content.differences_sentence(pairs),
        classes=tracks.classes,
        networks=[
            content.network(v, pd.concat(decided[v]), histories[v], moved[v], tracks.classes)
            for v in variants
        ],
        best=str(table.loc[table["accuracy_mean"].idxmax(), "variant"]),
        costs=content.costs(costs.measured(results)),
        provenance=provenance.sentence([json.loads(fit.read_text()) for fit in options.fits]),
        licence=DATA[options.dataset].format(name=options.name),
        configuration=(results / KEPT).read_text() if (results / KEPT).exists() else "",
        stretch_sentence=content.stretch_sentence(under),
        shift_sentence=content.shift_sentence(under, architectures, heights),
    )
    drawn = {
        "accuracies": figures.accuracies(
            accuracies, dict(zip(variants, table["baseline_accuracy"], strict=True))
        ),
        "stretch": figures.interventions(under, STRETCH, architectures),
        "shift": figures.interventions(under, SHIFT, architectures),
    }
    if len(pairs):
        drawn["differences"] = figures.differences(pairs, variants, content.LEVEL)
    of_filters = {v: filters.read(csv) for v, csv in zip(variants, options.filters, strict=True)}
    spectra = {
        v: dict(np.load(csv.with_suffix(".npz")))
        for v, csv in zip(variants, options.filters, strict=True)
    }
    first_models = dict(zip(variants, options.weights, strict=True))
    tempi = {
        v: table["tempo"].to_numpy()[spectra[v]["response_rows"]]
        for v, table in of_filters.items()
        if len(spectra[v]["response_rows"])
    }
    bpm = known_tempi(options.tracks, tracks.track_id)
    if tempi:
        drawn["tempi"] = filter_figures.tempi(tempi, bpm)
        medians = (
            {c: float(np.median(bpm[tracks.label == c])) for c in tracks.classes}
            if len(bpm)
            else {}
        )
        told = [filters.tempo_sentence(v, of_filters[v], medians) for v in tempi]
        page.temporal = {"sentences": told, "variants": list(tempi)}
    for variant in tempi:
        drawn[f"tempo-{variant}"] = filter_figures.tempo_maps(of_filters[variant], spectra[variant])
    for variant, table in of_filters.items():
        of_fold = table[(table["fold"] == 0) & table["offset"].notna()]
        for trunk, own in of_fold.groupby("trunk"):
            weight = weights.read(first_models[variant])[f"{trunk}.weight"]
            drawn[f"spectra-{variant}"] = filter_figures.spectral_shapes(
                own, weight, spectra[variant]["hertz"]
            )
            page.spectral.append(variant)
    for variant in variants:
        counts = networks.confusions(pd.concat(decided[variant]), tracks.classes)
        drawn[f"confusions-{variant}"] = figures.confusion(counts, tracks.classes)
        drawn[f"curves-{variant}"] = figures.learning_curves(histories[variant])
    for name, figure in drawn.items():
        document = svg.text_of(figure, name)
        svg.write(options.figures / f"{name}.svg", document)
        page.figures[name] = svg.inline(document, name)

    digests = dict(zip(tracks.track_id, tracks.digest, strict=True))
    wrong = [m.track_id for network in page.networks for m in network["mistakes"]]
    sounds = Sounds()
    heard = openings(options.tracks, {track_id: digests[track_id] for track_id in wrong})
    page.players = {track_id: sounds.add(mp3) for track_id, mp3 in heard.items()}
    page.sounds = filters.heard(options.sounds, sounds.add)
    page.sound_data = sounds.json()
    with atomic(options.report) as path:
        path.write_text(page.html(), encoding="utf-8")
    print(f"{options.report}: {options.report.stat().st_size / 1e6:.1f} MB")


def _height(shapes: str) -> int:
    """m of the first filter in a cell of table1.csv, such as "(32, 1)"."""
    return int(shapes.strip("(").split(",")[0])


if __name__ == "__main__":
    run(main)
