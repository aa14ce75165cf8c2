"""Extract the mel features of one shard, once per content."""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from workflow_scripts.audio.decoding import NotAudioError
from workflow_scripts.audio.files import what_is_missing
from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.audio.silence import is_silent
from workflow_scripts.audio.worker import Worker
from workflow_scripts.dataset import bad_audio
from workflow_scripts.dataset.experiment_data import add_front_end
from workflow_scripts.dataset.features import Content, write_shard
from workflow_scripts.dataset.track_tables import contents_of
from workflow_scripts.errors import UserError
from workflow_scripts.process import run


def mel_bands(audio: Path, settings: FrontEnd) -> np.ndarray:
    """`front_end.mel_bands`; Essentia is imported in the process that calls this."""
    from workflow_scripts.audio import front_end

    return front_end.mel_bands(audio, settings)


def contents(digests: list[str], paths: dict[str, str], front_end: FrontEnd) -> Iterator[Content]:
    """The features of each content, or the problem found in it.

    Raises UserError if a file can no longer be read.
    """
    with Worker(partial(mel_bands, settings=front_end)) as worker:
        for digest in digests:
            path = Path(paths[digest])
            try:
                yield content(digest, path, worker, front_end)
            except OSError as failure:
                raise UserError(
                    f"cannot read {path}: {failure.strerror}; it existed when the tracks were "
                    "listed: put it back, or run again to list the tracks again"
                ) from None


def content(
    digest: str, path: Path, bands: Callable[[Path], np.ndarray], front_end: FrontEnd
) -> Content:
    """The features of one file, computed by `bands`, or the problem found in it."""
    no_frames = np.empty((0, front_end.n_bands), np.float32)
    if not path.stat().st_size:
        return Content(digest, no_frames, bad_audio.EMPTY)
    try:
        energies = bands(path)
    except NotAudioError as reason:
        return Content(digest, no_frames, str(reason))
    if is_silent(energies, front_end):
        return Content(digest, energies, bad_audio.SILENT)
    missing = what_is_missing(path, (len(energies) - 1) / front_end.frame_rate)
    return Content(digest, energies, f"{bad_audio.TRUNCATED}: {missing}" if missing else "")


def main() -> None:
    """Read the audio files of a shard; write features/shard-<i>.npy and .csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=Path, required=True, help="tracks.csv")
    parser.add_argument("--shard", type=Path, required=True, help="list of the shard's digests")
    parser.add_argument("--features", type=Path, required=True, help=".npy to write, .csv beside")
    add_front_end(parser)
    options = parser.parse_args()

    paths, front_end = contents_of(options.shard, options.tracks), options.front_end
    write_shard(options.features, contents([*paths], paths, front_end), front_end)
    print(f"analysed {len(paths)} files; see {options.features}")


if __name__ == "__main__":
    run(main)
