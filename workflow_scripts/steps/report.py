"""Write the report: one page with results and what the networks learned, and its figures."""

import argparse
import base64
import json
from collections.abc import Sequence
from pathlib import Path

from workflow_scripts.atomic_files import atomic
from workflow_scripts.audio.decoding import NotAudioError
from workflow_scripts.audio.worker import Worker
from workflow_scripts.dataset.track_tables import paths_of
from workflow_scripts.process import run
from workflow_scripts.report import content, filter_texts, material, svg
from workflow_scripts.report.drawings import drawings
from workflow_scripts.results import costs
from workflow_scripts.workflow.configuration import KEPT


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
    found = material.read(options)
    kept = options.report.parent / KEPT
    page = content.page(
        found,
        name=options.name,
        dataset=options.dataset,
        jobs=costs.measured(options.report.parent),
        configuration=kept.read_text() if kept.exists() else "",
    )
    for name, figure in drawings(found):
        document = svg.text_of(figure, name)
        svg.write(options.figures / f"{name}.svg", document)
        page.figures[name] = svg.inline(document, name)
    digests = dict(zip(found.tracks.track_id, found.tracks.digest, strict=True))
    wrong = [mistake.track_id for network in page.networks for mistake in network["mistakes"]]
    heard = openings(options.tracks, {track_id: digests[track_id] for track_id in wrong})
    sounds = Sounds()
    page.players = {track_id: sounds.add(mp3) for track_id, mp3 in heard.items()}
    page.sounds = filter_texts.heard(options.sounds, sounds.add)
    page.sound_data = sounds.json()
    with atomic(options.report) as path:
        path.write_text(page.html(), encoding="utf-8")
    print(f"{options.report}: {options.report.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    run(main)
