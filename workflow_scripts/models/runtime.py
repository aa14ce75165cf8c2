"""Models at work: raw mel energies to class probabilities; only this module imports onnxruntime."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

# From 1.29 on it tells its maker of its use, unless this is set before it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

from workflow_scripts.errors import UserError
from workflow_scripts.models import package
from workflow_scripts.models.onnx_file import INPUT, OUTPUT
from workflow_scripts.models.package import Model
from workflow_scripts.networks.architecture import Network

# Segments at a time: of a recording of hours, not all. Fewer, where the largest layers of a batch
# would hold more than so many values.
BATCH, MOST_VALUES = 64, 1 << 24
# A sum of float32 probabilities.
TOLERANCE = 1e-3
SILENT = 4


class Session:
    """One ONNX model, on one thread of the CPU."""

    def __init__(self, onnx: bytes, batch: int = BATCH) -> None:
        """`batch` segments are listened to at a time."""
        self._batch = batch
        options = onnxruntime.SessionOptions()
        # Tracks are labelled side by side.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = SILENT
        self._session = onnxruntime.InferenceSession(
            onnx, options, providers=["CPUExecutionProvider"]
        )

    def probabilities(self, energies: np.ndarray) -> np.ndarray:
        """Class probabilities (segments, classes) of raw mel energies (segments, frames, bands)."""
        parts = [
            self._session.run([OUTPUT], {INPUT: energies[first : first + self._batch]})[0]
            for first in range(0, len(energies), self._batch)
        ]
        return np.concatenate(parts)


def batch_of(network: Network) -> int:
    """How many segments this network processes at a time."""
    return max(1, min(BATCH, MOST_VALUES // network.n_activations()))


def _session(model: Model) -> Session:
    """A session of the graph that is built here, whatever graph the file has."""
    return Session(model.trained.onnx_bytes(), batch_of(model.trained.network))


class Ensemble:
    """The models of a file, ready to listen."""

    def __init__(self, path: Path) -> None:
        """Raises UserError where `path` holds no model, or one that does not run."""
        read = package.read(path)
        self.classes = read.classes
        self.longest_input = max(m.metadata.network["input_frames"] for m in read.models)
        self._path = path
        try:
            self._sessions = {
                (variant, models[0].metadata.network["input_frames"]): [
                    _session(model) for model in models
                ]
                for variant, models in read.variants().items()
            }
        # Of several kinds, made in C++.
        except Exception:
            raise UserError(
                f"the model {path} cannot be used by onnxruntime {onnxruntime.__version__}; take "
                "one from `make model`"
            ) from None

    def probabilities(self, energies: np.ndarray) -> Mapping[int, list[np.ndarray]]:
        """Of a track's raw mel energies, shape (frames, bands): what each variant makes of it.

        By input length in frames, for each variant the mean over its folds of the class
        probabilities, shape (segments, classes); segments are contiguous from the first frame on.
        There are none where the track is shorter.

        Raises UserError where a model gives no probabilities.
        """
        heard: dict[int, list[np.ndarray]] = {}
        for (_, n_frames), sessions in self._sessions.items():
            n_segments = len(energies) // n_frames
            if not n_segments:
                continue
            segments = energies[: n_segments * n_frames].reshape(n_segments, n_frames, -1)
            folds = [session.probabilities(segments) for session in sessions]
            mean = np.mean(folds, axis=0)
            if not np.allclose(mean.sum(axis=1), 1, rtol=0, atol=TOLERANCE):
                raise UserError(
                    f"the model {self._path} gives no probabilities: it is damaged; take one from "
                    "`make model`"
                )
            heard.setdefault(n_frames, []).append(mean)
        return heard
