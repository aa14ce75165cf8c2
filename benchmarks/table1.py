"""The networks of Table I, and random segments of Ballroom's size. Requires only NumPy."""

import numpy as np

from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.layers import Shape

BANDS, CLASSES, BATCH, RATE, DROPOUT = 40, 8, 10, 0.01, 0.5
EPOCHS, FOLDS = 2000, 10
# Ballroom has 698 tracks: eight folds of ten train and one validates.
TRACKS = {"train": 558, "validation": 70}
SEGMENTS_A_TRACK = {80: 16, 250: 5}
# One of each architecture.
OF_EACH_KIND = ("blackbox_12x8", "time_1x60", "frequency_32x1", "timefrequency")


def network(frames: int, hidden: int, **trunks: tuple[Shape, Shape]) -> Network:
    """A network with 32 filters per trunk; `trunks` has the filter and pool of each."""
    with_32_filters = {
        name: {"filter": filter_, "pool": pool, "n_filters": 32}
        for name, (filter_, pool) in trunks.items()
    }
    description = {"input_frames": frames, "trunks": with_32_filters, "hidden": hidden}
    return Network.from_config(description, BANDS, CLASSES)


def time_trunk(n: int) -> tuple[Shape, Shape]:
    """The filter (1, n) and its pool."""
    return (1, n), (40, 1)


def frequency_trunk(m: int) -> tuple[Shape, Shape]:
    """The filter (m, 1) and its pool."""
    return (m, 1), (1, 80)


BOTH = {"time": time_trunk(60), "frequency": frequency_trunk(32)}
# As in config.yaml; reading that would require a YAML library.
VARIANTS = {
    "blackbox_12x8": network(80, 200, rectangle=((12, 8), (4, 1))),
    "blackbox_12x200": network(250, 200, rectangle=((12, 200), (4, 1))),
    "time_1x60": network(80, 0, time=time_trunk(60)),
    "time_1x200": network(250, 0, time=time_trunk(200)),
    **{
        f"frequency_{m}x1": network(80, 0, frequency=frequency_trunk(m))
        for m in (30, 32, 34, 36, 38, 40)
    },
    "timefrequency": network(80, 200, **BOTH),
    "timefrequency_init": network(80, 200, **BOTH),
}


def n_segments(shape: Network, part: str) -> int:
    """The number of segments of a part of a fold, "train" or "validation"."""
    return TRACKS[part] * SEGMENTS_A_TRACK[shape.frames]


def random_segments(shape: Network, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Random inputs (segments, bands, frames) and labels, as many as a part of a Ballroom fold."""
    rng = np.random.default_rng(len(part))
    n = n_segments(shape, part)
    inputs = rng.standard_normal((n, shape.bands, shape.frames), dtype=np.float32)
    return inputs, rng.integers(0, CLASSES, n)
