"""Inference with ONNX Runtime. Only this module imports onnxruntime."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

# ONNX Runtime 1.29 and later sends usage data unless this is set before the import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

from workflow_scripts.errors import UserError
from workflow_scripts.models import package
from workflow_scripts.models.onnx_graph import INPUT, OUTPUT
from workflow_scripts.models.package import Model
from workflow_scripts.networks.architecture import Network

# All sessions share one arena. Otherwise each keeps the memory of its largest batch: a gigabyte for
# hundreds of small models.
onnxruntime.create_and_register_allocator(
    onnxruntime.OrtMemoryInfo(
        "Cpu",
        onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR,
        0,
        onnxruntime.OrtMemType.DEFAULT,
    ),
    None,
)
# Limits of a batch, which bound the memory for recordings of hours: segments, and values of the
# input, the convolutions and the hidden layer.
BATCH, MOST_VALUES = 64, 1 << 24
# Largest difference from 1 of a sum of float32 probabilities.
TOLERANCE = 1e-3
FATAL = 4


class Session:
    """An ONNX model on one CPU thread."""

    def __init__(self, onnx: bytes, batch: int = BATCH) -> None:
        """`batch` is the number of segments to process at a time."""
        self._batch = batch
        options = onnxruntime.SessionOptions()
        # Several processes label tracks in parallel.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = FATAL
        options.add_session_config_entry("session.use_env_allocators", "1")
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
    """The number of segments of this network to process at a time."""
    values = network.frames * network.bands + network.n_activations() + network.hidden
    return max(1, min(BATCH, MOST_VALUES // values))


def _session(model: Model) -> Session:
    """A session of the graph that `onnx_file` builds, not of the graph in the file."""
    return Session(model.trained.onnx_bytes(), batch_of(model.trained.network))


class Ensemble:
    """The models of a packed file or of an ONNX file, ready for inference."""

    def __init__(self, path: Path) -> None:
        """Raises UserError if `path` is not a model file, or a model does not run."""
        self._path = path
        # By variant and input length; the sessions of a variant are those of its folds.
        self._sessions: dict[tuple[str, int], list[Session]] = {}
        described = []
        # One at a time: a session has its own copy of the weights.
        for model in package.models_of(path):
            described.append(model.metadata)
            key = model.metadata.variant, model.trained.network.frames
            try:
                self._sessions.setdefault(key, []).append(_session(model))
            # onnxruntime raises exceptions of several C++ types.
            except Exception:
                raise UserError(
                    f"the model {path} cannot be used by onnxruntime {onnxruntime.__version__}; "
                    "use one made by `make model`"
                ) from None
            # The next one is read before the loop lets go of this one.
            del model
        self.classes = described[0].classes
        self.front_end = described[0].front_end
        self.level = package.level_of(described)
        self.inputs = {n_frames for _, n_frames in self._sessions}
        self.longest_input = max(self.inputs)

    def probabilities(self, energies: np.ndarray) -> Mapping[int, list[np.ndarray]]:
        """Class probabilities of the segments of a track.

        `energies` are raw mel energies, float32 (frames, bands). Returns, for each input
        length in frames, one array (segments, classes) per variant: the mean over its folds.
        Segments are contiguous from the first frame. Lengths above the track's are missing.

        Raises UserError if the outputs of a variant are not probabilities.
        """
        probabilities: dict[int, list[np.ndarray]] = {}
        for (_, n_frames), sessions in self._sessions.items():
            n_segments = len(energies) // n_frames
            if not n_segments:
                continue
            segments = energies[: n_segments * n_frames].reshape(n_segments, n_frames, -1)
            mean = self._mean(sessions, segments)
            if not np.allclose(mean.sum(axis=1), 1, rtol=0, atol=TOLERANCE):
                raise UserError(
                    f"the outputs of the model {self._path} are not probabilities: it is damaged; "
                    "use one made by `make model`"
                )
            probabilities.setdefault(n_frames, []).append(mean)
        return probabilities

    @staticmethod
    def _mean(sessions: list[Session], segments: np.ndarray) -> np.ndarray:
        """The mean over the folds, added one by one: hundreds of arrays may not fit in memory."""
        total = sessions[0].probabilities(segments)
        for session in sessions[1:]:
            total += session.probabilities(segments)
        return total / len(sessions)
