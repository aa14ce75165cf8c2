"""How audio becomes the input of a model, and its output a class, as model files state it.

The values are those that the workflow computes with; docs/model-files.md has a NumPy function that
needs nothing else. A change of a value or a formula needs a new `metadata.FORMAT`.
"""

from typing import Any

from workflow_scripts.audio.parameters import (
    FRAME_SIZE,
    HOP_SIZE,
    MEL,
    N_BANDS,
    SAMPLE_RATE,
    SILENCE,
    WINDOW,
    FrontEnd,
)
from workflow_scripts.audio.silence import OFFSET_LEAK, rule
from workflow_scripts.dataset.level import TARGET
from workflow_scripts.dataset.normalisation import COMPRESSION

# Essentia's documentation names the window and the mel scale; the numbers are from its source
# (windowing.cpp, melbands.cpp, essentiamath.h), and tests/mel_oracle.py confirms them.
FRONT_END: dict[str, Any] = {
    "library": "Essentia",
    "sample_rate": SAMPLE_RATE,
    "resampling": "libsamplerate, SRC_SINC_MEDIUM_QUALITY",
    "samples": "from -1 to 1",
    "channels": "mean",
    "frame_size": FRAME_SIZE,
    "hop_size": HOP_SIZE,
    "first_frame": "centred on the first sample",
    "n_frames": "ceil(n_samples / hop_size) + 1",
    "padding": "zeros, before the first and after the last sample",
    "window": WINDOW,
    "window_coefficients": [0.44959, 0.49364, 0.05677],
    "window_formula": (
        "a0 - a1 cos(2 pi n / (frame_size - 1)) + a2 cos(4 pi n / (frame_size - 1)), "
        "n = 0 ... frame_size - 1, a = window_coefficients"
    ),
    "window_sum": 2,
    "window_scaling": "the window is divided by its sum and multiplied by window_sum",
    "spectrum": (
        "squared magnitude of the discrete Fourier transform of frame times window, without "
        "scaling, at the frequencies f = k sample_rate / frame_size, k = 0 ... frame_size / 2"
    ),
    "n_bands": N_BANDS,
    **MEL,
    "mel_constants": [1127.01048, 700],
    "mel_formula": "mel(f) = c0 ln(1 + f / c1), f in Hz, c = mel_constants",
    "band_edges": (
        "n_bands + 2 points, equally spaced in mel from lowFrequencyBound to "
        "highFrequencyBound in Hz; band b has low, centre and high = points b, b + 1 and b + 2"
    ),
    "band_weights": (
        "max(0, min((mel(f) - low) / (centre - low), (high - mel(f)) / (high - centre))), "
        "divided by its sum over all f"
    ),
    "energy": "sum over f of band_weights times spectrum",
    "axes": ["segments", "frames", "bands"],
    "level_target": TARGET,
    "level_gain": (
        "only if the input in level is normalised: all energies of a track, after its silences are "
        "found, times level_target / its level, the mean energy of the bands from 1 on, over the "
        "frames outside silences"
    ),
}
# What the graph in the file does with the energies: nothing that a reader has to do.
GRAPH = {
    "compression": f"ln(1 + {COMPRESSION} energy)",
    "normalisation": "(compressed - mean) / std, with the arrays mean and std of the graph",
    "output": "probabilities, (segments, classes), in the order of classes",
}
VOTE = {
    "segment": "votes for its most probable class; of equal ones, for the first",
    "track": (
        "the class with the most votes; of equal ones, that with the highest mean probability "
        "over the counted segments, then the first"
    ),
    "folds": "a segment has the mean probabilities of the models of a variant",
    "variants": (
        "each variant has its own segments and votes; the shares of the votes, and the mean "
        "probabilities, are averaged over the variants"
    ),
    "no_class": "a track without a counted segment, of one variant or of several, has no class",
}


def segments_of(n_frames: int) -> dict[str, Any]:
    """How a track is cut into segments of `n_frames`."""
    return {
        "frames": n_frames,
        "hop": n_frames,
        "first": "starts with the first frame",
        "last": "an incomplete last segment is dropped",
        "silence": {
            "limit": SILENCE,
            "offset_leak": OFFSET_LEAK,
            "edge": rule(FrontEnd()).edge,
            "shortest": rule(FrontEnd()).shortest,
            "silent_frames": (
                "all bands from 1 on are below limit + offset_leak times band 0; then, in tracks "
                "of more than 2 edge frames, also the first edge frames if the next one is silent, "
                "and the last edge frames if the one before is"
            ),
            "silences": "runs of at least shortest silent frames, or all frames of a track",
        },
        "counted": "segments with a frame outside silences; the others do not vote",
    }
