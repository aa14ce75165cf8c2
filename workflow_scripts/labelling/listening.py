"""Labels tracks, several at a time, each in a process that a bad file may end or keep too long."""

import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from queue import SimpleQueue

from workflow_scripts.audio.decoding import NotAudioError
from workflow_scripts.audio.parameters import FRAME_RATE, SILENCE
from workflow_scripts.audio.worker import Worker
from workflow_scripts.labelling.decision import Decision, decide
from workflow_scripts.models.runtime import Ensemble
from workflow_scripts.step import UserError

# Half a day of sound takes a minute on a slow machine.
TIME_LIMIT = 600
# Tracks under way for each process: the next is there when one is done.
AHEAD = 4


@dataclass(frozen=True)
class Labelled:
    """A track and what is decided of it, or why nothing is."""

    path: Path
    decision: Decision | None
    problem: str = ""


def label_all(model: Path, tracks: Sequence[Path], n_processes: int) -> Iterator[Labelled]:
    """Each track in turn, labelled by the models of a file; a bad one does not stop the others.

    Raises UserError where `model` cannot be used.
    """
    workers: SimpleQueue[Worker[Decision]] = SimpleQueue()
    n_processes = min(n_processes, len(tracks))
    started = [Worker(partial(listen, model), TIME_LIMIT) for _ in range(n_processes)]
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


def listen(model: Path, track: Path) -> Decision:
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
    if len(energies) < ensemble.longest_input:
        raise NotAudioError(
            f"is too short: {len(energies) / FRAME_RATE:.1f} s, and the model listens to "
            f"{ensemble.longest_input / FRAME_RATE:.1f} s at a time"
        )
    return decide(ensemble.classes, ensemble.probabilities(energies))


@cache
def _ensemble(model: Path) -> Ensemble:
    return Ensemble(model)


@cache
def _silence_decoders() -> None:
    """Libraries print what they think of a damaged file; what comes of it is told anyway."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _labelled(workers: SimpleQueue[Worker[Decision]], track: Path) -> Labelled:
    if not track.exists():
        return Labelled(track, None, "is not there")
    worker = workers.get()
    try:
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
