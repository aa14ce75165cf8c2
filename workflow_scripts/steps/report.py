"""Write the report: a page of results and of what the networks learned, and its figures."""

import argparse
import base64
import json
from collections.abc import Sequence
from pathlib import Path

from workflow_scripts.atomic_files import atomic
from workflow_scripts.audio.decoding import NotAudioError
from workflow_scripts.audio.worker import Worker
from workflow_scripts.dataset.track_tables import paths_of
from workflow_scripts.errors import printable
from workflow_scripts.process import run
from workflow_scripts.report import answer_texts, filter_texts, material, page_content, pdf, svg
from workflow_scripts.report.drawings import answer, drawings

# Number of tracks with a player on the page: 5 MB.
MOST_PLAYERS = 100


def opening(audio: Path) -> bytes:
    """See `excerpts.opening`. Essentia is imported only in the process that calls this."""
    from workflow_scripts.audio import excerpts

    return excerpts.opening(audio)


def openings(tracks: Path, wanted: dict[str, str]) -> dict[str, bytes]:
    """The opening of each track as MP3, by track_id; tracks without readable audio are skipped.

    `tracks` is tracks.csv; `wanted` maps each track_id to its content digest.
    """
    paths = paths_of(tracks, set(wanted.values()))
    excerpts = {}
    with Worker(opening) as worker:
        for track_id, digest in wanted.items():
            try:
                excerpts[track_id] = worker(Path(paths[digest]))
            except NotAudioError as reason:
                print(printable(f"no player for {track_id}: {paths[digest]} {reason}"))
    return excerpts


class Sounds:
    """The sounds of the page as base64."""

    def __init__(self) -> None:
        self._encoded: list[str] = []

    def add(self, mp3: bytes) -> int:
        """Add a sound; return the number by which players refer to it."""
        self._encoded.append(base64.b64encode(mp3).decode())
        return len(self._encoded) - 1

    def json(self) -> str:
        """All sounds, as a JSON list."""
        return json.dumps(self._encoded)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    each = "variant by variant, fold by fold"
    of_seeds = f"seed by seed, {each}"
    parser.add_argument("--tracks", type=Path, required=True, help="tracks.csv")
    parser.add_argument("--folds", type=Path, nargs="+", required=True, help="folds.csv by seed")
    parser.add_argument("--skipped", type=Path, required=True, help="skipped.csv")
    parser.add_argument("--replicas", type=Path, required=True, help="replicas.csv")
    parser.add_argument(
        "--baselines", type=Path, nargs="+", required=True, help="baselines.csv by seed"
    )
    parser.add_argument("--table", type=Path, required=True, help="table1.csv")
    parser.add_argument("--sweeps", type=Path, nargs="*", default=[], help="sweeps.csv, if any")
    parser.add_argument("--predictions", type=Path, nargs="+", required=True, help=of_seeds)
    parser.add_argument(
        "--histories", type=Path, nargs="+", required=True, help=f"of the first seed, {each}"
    )
    parser.add_argument("--fits", type=Path, nargs="+", required=True, help=f"fit.json, {of_seeds}")
    parser.add_argument(
        "--counts", type=Path, nargs="+", required=True, help="interventions/<variant>.csv"
    )
    parser.add_argument("--interventions", type=Path, required=True, help="interventions.csv")
    parser.add_argument(
        "--filters", type=Path, nargs="+", required=True, help="filters/<variant>.csv"
    )
    parser.add_argument(
        "--spectra", type=Path, nargs="+", required=True, help="filters/<variant>.npz"
    )
    parser.add_argument(
        "--weights", type=Path, nargs="+", required=True, help="fold 0 of each variant"
    )
    parser.add_argument("--sounds", type=Path, required=True, help="sounds/")
    parser.add_argument("--dataset", required=True, help="ballroom, demo or folder")
    parser.add_argument("--name", required=True, help="name of the experiment")
    parser.add_argument("--configuration", type=json.loads, required=True, help="complete, as JSON")
    parser.add_argument(
        "--citation", type=json.loads, default={}, help="content of CITATION.cff as JSON"
    )
    parser.add_argument("--report", type=Path, required=True, help="page to write")
    parser.add_argument("--figures", type=Path, required=True, help="folder to write figures into")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read tables, models and sounds; write report.html and figures/."""
    options = parse(arguments)
    results = material.read(options)
    page = page_content.page(
        results, options.name, options.dataset, options.configuration, options.citation
    )
    page.answer = answer_texts.sentences(answer(results))
    for drawing in drawings(results):
        name = drawing.name
        document = svg.text_of(drawing.figure, name)
        svg.write(options.figures / f"{name}.svg", document)
        pdf.write(options.figures / f"{name}.pdf", drawing.figure)
        page.figures[name] = svg.inline(document, name)
        page.data[name] = drawing.csv
        if drawing.finding:
            page.findings[name] = drawing.finding
    for name, text in page.data.items():
        with atomic(options.figures / f"{name}.csv") as path:
            path.write_text(text, encoding="utf-8")
    digests = dict(zip(results.tracks.track_id, results.tracks.digest, strict=True))
    wrong = dict.fromkeys(
        error.track_id for network in page.networks for error in network["errors"]
    )
    played = list(wrong)[:MOST_PLAYERS]
    excerpts = openings(options.tracks, {track_id: digests[track_id] for track_id in played})
    sounds = Sounds()
    page.players = {track_id: sounds.add(mp3) for track_id, mp3 in excerpts.items()}
    page.sounds = filter_texts.sounds(
        options.sounds, results.tracks, results.front_end.frame_rate, sounds.add
    )
    page.sound_data = sounds.json()
    with atomic(options.report) as path:
        path.write_text(page.html(), encoding="utf-8")
    print(f"{options.report}: {options.report.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    run(main)
