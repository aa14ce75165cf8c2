"""Labels tracks, several at a time, each in a process that a bad file may end or keep too long."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from workflow_scripts.audio.decoding import NotAudioError
from workflow_scripts.audio.parameters import FRAME_RATE, SILENCE
from workflow_scripts.audio.worker import Worker
from workflow_scripts.dataset.normalisation import COMPRESSION
from workflow_scripts.errors import UserError
from workflow_scripts.labelling.prediction import Prediction, predict
from workflow_scripts.models.runtime import Ensemble

# Half a day of sound takes some minutes, of large networks more.
TIME_LIMIT = 1800
# A mel energy that would be infinite in the middle of the compression; full scale has about 1.
LOUDEST = np.finfo(np.float32).max / COMPRESSION
STANDARD_ERROR = 2
# Tracks under way for each process: the next is there when one is done.
AHEAD = 4


@dataclass(frozen=True)
class Labelled:
    """A track and what is decided of it, or why nothing is."""

    path: Path
    prediction: Prediction | None
    problem: str = ""


def label_all(model: Path, tracks: Sequence[Path], n_processes: int) -> Iterator[Labelled]:
    """Each track in turn, labelled by the models of a file; a bad one does not stop the others.

    Raises UserError where `model` cannot be used.
    """
    workers: SimpleQueue[Worker[Prediction]] = SimpleQueue()
    n_processes = min(n_processes, len(tracks))
    started = [Worker(partial(label_one, model), TIME_LIMIT) for _ in range(n_processes)]
    for worker in started:
        workers.put(worker)
    pool = ThreadPoolExecutor(max(n_processes, 1))
    waiting: deque[Future[Labelled]] = deque()
    try:
        for track in tracks:
            waiting.append(pool.submit(_labelled, workers, track))
            if len(waiting) == AHEAD * n_processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in started:
            worker.stop()


def label_one(model: Path, track: Path) -> Prediction:
    """What the models of a file decide of one track.

    Raises NotAudioError for a track without sound or too short; UserError for a bad model.
    """
    # Here, in the process that decodes: it takes a second.
    from workflow_scripts.audio.front_end import mel_bands

    _silence_decoders()
    ensemble = _ensemble(model)
    energies = mel_bands(track)
    if energies.max() < SILENCE:
        raise NotAudioError("is silent throughout")
    if energies.max() >= LOUDEST:
        raise NotAudioError("holds samples too large for sound")
    if len(energies) < ensemble.longest_input:
        raise NotAudioError(
            f"is too short: {len(energies) / FRAME_RATE:.2f} s, and the model listens to "
            f"{ensemble.longest_input / FRAME_RATE:.2f} s at a time"
        )
    return predict(ensemble.classes, ensemble.probabilities(energies))


@cache
def _ensemble(model: Path) -> Ensemble:
    return Ensemble(model)


@cache
def _silence_decoders() -> None:
    """Libraries print what they think of a damaged file; what comes of it is told anyway."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), STANDARD_ERROR)


def _labelled(workers: SimpleQueue[Worker[Prediction]], track: Path) -> Labelled:
    worker = workers.get()
    try:
        if not track.exists():
            return Labelled(track, None, "is not there")
        if track.is_file() and not track.stat().st_size:
            return Labelled(track, None, "is empty")
        return Labelled(track, worker(track))
    except NotAudioError as reason:
        return Labelled(track, None, str(reason))
    except OSError as failure:
        return Labelled(track, None, f"cannot be read: {failure.strerror}")
    except UserError:
        raise
    # Whatever a hostile file does to a decoder is no reason to leave the others.
    except Exception as failure:
        return Labelled(track, None, f"cannot be labelled: {failure!r}")
    finally:
        workers.put(worker)
