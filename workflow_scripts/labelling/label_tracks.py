"""Label tracks in parallel, in processes that a bad file may crash or block."""

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
from workflow_scripts.audio.silence import in_silence, is_silent
from workflow_scripts.audio.worker import Worker
from workflow_scripts.dataset import silence
from workflow_scripts.dataset.level import NORMALISED, level_of, normalising_gain
from workflow_scripts.errors import UserError
from workflow_scripts.labelling.prediction import Prediction, predict
from workflow_scripts.models.runtime import Ensemble
from workflow_scripts.regular_files import open_regular

STANDARD_ERROR = 2
# Submitted tracks per process, so that no process waits for the next track.
AHEAD = 4


@dataclass(frozen=True)
class Labelled:
    """A track with its prediction, or with the problem that prevents one."""

    path: Path
    prediction: Prediction | None
    problem: str = ""


def label_all(model: Path, tracks: Sequence[Path], n_processes: int) -> Iterator[Labelled]:
    """Label each track, in order, with the models in a file. A bad track does not stop the others.

    Raises UserError if `model` cannot be used.
    """
    workers: SimpleQueue[Worker[Prediction]] = SimpleQueue()
    n_processes = min(n_processes, len(tracks))
    started = [Worker(partial(label_one, model)) for _ in range(n_processes)]
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
    """Predict one track with the models in a file.

    Silent segments do not vote. Raises NotAudioError if the track cannot be decoded, is silent, too
    loud or too short, and UserError if `model` cannot be used.
    """
    # The import takes a second, so only the processes that decode do it.
    from workflow_scripts.audio.front_end import mel_bands

    _silence_decoders()
    ensemble = _ensemble(model)
    front_end = ensemble.front_end
    energies = mel_bands(track, front_end)
    silent = in_silence(energies, front_end)
    _require_sound(energies, silent, ensemble)
    level, warning = level_of(energies, silent, front_end), ""
    if ensemble.level is not None:
        warning = ensemble.level.warning(level)
        if ensemble.level.input == NORMALISED:
            energies *= normalising_gain(level)
    probabilities = ensemble.probabilities(energies)
    return predict(ensemble.classes, probabilities, silent, front_end.frame_rate, warning)


def _require_sound(energies: np.ndarray, silent: np.ndarray, ensemble: Ensemble) -> None:
    """Raise NotAudioError unless a track has a segment with sound of each input length.

    `silent`, bool (frames,), are the frames in silences.
    """
    rate = ensemble.front_end.frame_rate
    if is_silent(energies, ensemble.front_end):
        raise NotAudioError("is silent throughout")
    if len(energies) < ensemble.longest_input:
        raise NotAudioError(
            f"is too short: {len(energies) / rate:.2f} s, and the model needs "
            f"segments of {ensemble.longest_input / rate:.2f} s"
        )
    for n_frames in ensemble.inputs:
        if silence.contiguous(silent, n_frames).all():
            raise NotAudioError(
                f"has no segment with sound: all its segments of {n_frames / rate:.2f} s are silent"
            )


@cache
def _ensemble(model: Path) -> Ensemble:
    return Ensemble(model)


@cache
def _silence_decoders() -> None:
    """Discard what libraries print about a damaged file; `Labelled.problem` reports it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), STANDARD_ERROR)


def _labelled(workers: SimpleQueue[Worker[Prediction]], track: Path) -> Labelled:
    worker = workers.get()
    try:
        with open_regular(track) as file:
            if not os.fstat(file.fileno()).st_size:
                return Labelled(track, None, "is empty")
        return Labelled(track, worker(track))
    except NotAudioError as reason:
        return Labelled(track, None, str(reason))
    except OSError as failure:
        return Labelled(track, None, f"cannot be read: {failure.strerror}")
    # Without a package that decodes, no track can be labelled.
    except (UserError, ModuleNotFoundError):
        raise
    # A hostile file can make a decoder raise any exception; continue with the others.
    except Exception as failure:
        return Labelled(track, None, f"cannot be labelled: {failure!r}")
    finally:
        workers.put(worker)
