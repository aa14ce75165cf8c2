"""How audio becomes the input of a model, and its output a class, as model files state it.

The values are those that the workflow computes with; docs/model-files.md has a NumPy function that
needs nothing else, for any front end. A change of a value or a formula needs a new
`metadata.FORMAT`.
"""

from typing import Any

from workflow_scripts.audio.front_end_checks import MEL_CONSTANTS, UnusableError, check
from workflow_scripts.audio.parameters import MEL, FrontEnd
from workflow_scripts.audio.silence import n_filled, rule
from workflow_scripts.audio.windows import COSINES
from workflow_scripts.dataset.level import TARGET

# The settings of a front end by the names they have in model files, those of Essentia.
SETTINGS = {
    "sample_rate": "sample_rate",
    "frame_size": "frame_size",
    "hop_size": "hop_size",
    "window": "window",
    "n_bands": "n_bands",
    "lowFrequencyBound": "min_frequency",
    "highFrequencyBound": "max_frequency",
}


def entries(front_end: FrontEnd, n_frames: int) -> dict[str, dict[str, Any]]:
    """The entries of a model with segments of `n_frames`: from audio to the class of a track."""
    return {
        "front_end": front_end_of(front_end),
        "segments": segments_of(n_frames, front_end),
        "graph": graph_of(front_end),
        "vote": VOTE,
    }


def front_end_of(front_end: FrontEnd) -> dict[str, Any]:
    """How audio becomes mel energies: values and formulas."""
    return {
        "library": "Essentia",
        "resampling": "libsamplerate, SRC_SINC_MEDIUM_QUALITY",
        "samples": "from -1 to 1",
        "channels": "mean",
        "first_frame": "centred on the first sample",
        "n_frames": (
            "the smaller of ceil(n_samples / hop_size) + 1 and "
            "ceil((n_samples + frame_size / 2) / hop_size)"
        ),
        "padding": "zeros, before the first and after the last sample",
        **_window_of(front_end),
        "window_sum": 2,
        "window_scaling": "the window is divided by its sum and multiplied by window_sum",
        "spectrum": (
            "squared magnitude of the discrete Fourier transform of frame times window, without "
            "scaling, at the frequencies f = k sample_rate / frame_size, k = 0 ... frame_size / 2"
        ),
        **MEL,
        "mel_constants": [*MEL_CONSTANTS],
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
        "level_first_band": n_filled(front_end),
        "level_gain": (
            "only if the input in level is normalised: all energies of a track, after its silences "
            "are found, times level_target / its level, the mean energy of the bands from "
            "level_first_band on, over the frames outside silences"
        ),
        **{name: _shortest(getattr(front_end, key)) for name, key in SETTINGS.items()},
    }


def _window_of(front_end: FrontEnd) -> dict[str, Any]:
    """The window before it is scaled: its formula, and the coefficients of its cosines, if any."""
    if front_end.window == "triangular":
        return {
            "window_coefficients": None,
            "window_formula": (
                "frame_size / 2 - |n - (frame_size - 1) / 2|, n = 0 ... frame_size - 1"
            ),
        }
    coefficients = (1,) if front_end.window == "square" else COSINES[front_end.window]
    return {
        "window_coefficients": [*coefficients],
        "window_formula": (
            "sum over k = 0, 1, ... of (-1)^k a_k cos(2 pi k n / (frame_size - 1)), "
            "n = 0 ... frame_size - 1, a = window_coefficients"
        ),
    }


def graph_of(front_end: FrontEnd) -> dict[str, Any]:
    """What the graph in the file does with the energies: nothing that a reader has to do."""
    compressed = front_end.compression is not None
    formula = "ln(1 + compression energy)" if compressed else "the energy itself"
    return {
        "compression": _shortest(front_end.compression),
        "compressed": formula,
        "normalisation": "(compressed - mean) / std, with the arrays mean and std of the graph",
        "output": "probabilities, (segments, classes), in the order of classes",
    }


def read(front_end: dict[str, Any], graph: dict[str, Any]) -> FrontEnd:
    """The front end of these entries of a file.

    Raises UnusableError if this version computes another one, or none, and KeyError or TypeError if
    they are invalid.
    """
    settings = {key: front_end[name] for name, key in SETTINGS.items()}
    found = FrontEnd(**settings, compression=graph["compression"])
    check(found)
    for ours, theirs in ((front_end_of(found), front_end), (graph_of(found), graph)):
        require_equal(ours, theirs)
    return found


def require_equal(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Raise UnusableError, which names a key, unless both are equal."""
    for key in ours | theirs:
        value = theirs.get(key)
        if key not in ours or value != ours[key]:
            raise UnusableError(f"{key:.40}", value, "not as this version has it", "")


def _first_of(values: list[float]) -> list[float]:
    """The values without those at the end that repeat the one before."""
    n = len(values)
    while n > 1 and values[n - 1] == values[n - 2]:
        n -= 1
    return values[:n]


def _shortest(value: Any) -> Any:
    """A whole number as an integer: 22050 and 22050.0 are one frequency, and one text."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


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


def segments_of(n_frames: int, front_end: FrontEnd) -> dict[str, Any]:
    """How a track is cut into segments of `n_frames`."""
    silence = rule(front_end)
    return {
        "frames": n_frames,
        "hop": n_frames,
        "first": "starts with the first frame",
        "last": "an incomplete last segment is dropped",
        "silence": {
            "limits": _first_of(silence.limits),
            "leaks": _first_of(silence.leaks),
            "fullest": silence.fullest,
            "edge": silence.edge,
            "shortest": silence.shortest,
            "silent_frames": (
                "each band b is below limits[b] + leaks[b] times band fullest, and the last value "
                "of a list holds for all further bands; then, in tracks of more than 2 edge "
                "frames, also the first edge frames if the next one is silent, and the last edge "
                "frames if the one before is"
            ),
            "silences": "runs of at least shortest silent frames, or all frames of a track",
        },
        "counted": "segments with a frame outside silences; the others do not vote",
    }
