"""The metadata of older versions, which had one front end, the paper's, and said less about it."""

from collections.abc import Mapping
from typing import Any

from workflow_scripts.audio.parameters import PAPERS
from workflow_scripts.models import method

# That of version 0.9.0: it has no `level`, `segments`, `graph` and `vote`, and less in `front_end`.
FIRST = 1
# The graph is a text, and the window has a formula of its own.
SECOND = 2
ADDED = ("level_first_band",)
FRONT_END = {k: v for k, v in method.front_end_of(PAPERS).items() if k not in ADDED} | {
    "n_frames": "ceil(n_samples / hop_size) + 1",
    "window_formula": (
        "a0 - a1 cos(2 pi n / (frame_size - 1)) + a2 cos(4 pi n / (frame_size - 1)), "
        "n = 0 ... frame_size - 1, a = window_coefficients"
    ),
    "level_gain": (
        "only if the input in level is normalised: all energies of a track, after its silences are "
        "found, times level_target / its level, the mean energy of the bands from 1 on, over the "
        "frames outside silences"
    ),
}
SILENCE = {
    "limit": 1e-10,
    "offset_leak": 3e-9,
    "edge": 4,
    "shortest": 43,
    "silent_frames": (
        "all bands from 1 on are below limit + offset_leak times band 0; then, in tracks of more "
        "than 2 edge frames, also the first edge frames if the next one is silent, and the last "
        "edge frames if the one before is"
    ),
    "silences": "runs of at least shortest silent frames, or all frames of a track",
}
GRAPH = {
    "compression": "ln(1 + 10000 energy)",
    "normalisation": "(compressed - mean) / std, with the arrays mean and std of the graph",
    "output": "probabilities, (segments, classes), in the order of classes",
}


def updated(values: Mapping[str, Any], version: int) -> dict[str, Any]:
    """The metadata `values` of an older format as this version has them: the numbers are the same.

    Raises UnusableError if they have another front end or silences, and ValueError, TypeError or
    KeyError if they are invalid.
    """
    ours = method.entries(PAPERS, values["network"]["input_frames"])
    stated = values["front_end"]
    if version == SECOND:
        method.require_equal(FRONT_END, stated)
        method.require_equal(GRAPH, values["graph"])
        method.require_equal(SILENCE, values["segments"]["silence"])
        segments = values["segments"] | {"silence": ours["segments"]["silence"]}
        return {**values, **ours, "segments": segments, "vote": values["vote"]}
    method.require_equal({k: v for k, v in FRONT_END.items() if k in stated}, stated)
    # A file that has them is none of that version, and may mean something else by them.
    if values.keys() & {"segments", "graph", "vote", "level"}:
        raise ValueError("has entries that its format does not have")
    return {**values, **ours, "level": None}
