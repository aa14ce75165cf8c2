"""Networks as lists of layers, for tests: every kind of layer, alone and in blocks."""

from workflow_scripts.networks.architecture import Network


def described(trunks, back_end, frames=80):
    """A network of lists of layers, as in the configuration."""
    trunks = {name: {"layers": layers} for name, layers in trunks.items()}
    return {
        "input_frames": frames,
        "trunks": trunks,
        "hidden": 0,
        "back_end": back_end,
        "init": {},
    }


def convolution(m, n, n_filters=6, **padding):
    return {"convolution": [m, n], "n_filters": n_filters} | padding


NORMALISED = {"batch_normalisation": True}
TIME = {"padding": "time"}
DESCRIPTIONS = {
    "four square convolutions": described(
        {
            "square": [
                *[convolution(5, 5), {"pool": [2, 2]}],
                *[convolution(5, 5), NORMALISED, {"pool": [1, 2]}],
                *[convolution(4, 4, padding="same"), {"mean_pool": [2, 3]}],
                *[convolution(3, 3, 4), {"dropout": 0.0}],
            ]
        },
        [{"dense": 7}, {"dense": 6}],
    ),
    "a mid end over time": described(
        {
            "timbral": [convolution(30, 7, 4, **TIME), NORMALISED, {"pool": ["all", 1]}],
            "temporal": [convolution(1, 32, 3, padding="same"), {"pool": ["all", 1]}],
        },
        [
            {
                "concatenate": [
                    *[convolution(1, 7, 5, **TIME), NORMALISED],
                    {"concatenate": [{"add": [convolution(1, 7, 5, **TIME), NORMALISED]}]},
                ]
            },
            {"global_pool": ["max", "mean"]},
            *[{"dense": 9}, NORMALISED],
        ],
    ),
    "pools along frequency only": described(
        {"a": [convolution(3, 4), {"pool": [2, 1]}, convolution(4, 3), {"pool": [3, 1]}]}, []
    ),
    "even padding and a mean over time": described(
        {"a": [convolution(4, 6, padding="same"), {"global_pool": ["mean"]}]}, [{"dense": 8}]
    ),
    "trunks of other heights": described(
        {
            "a": [convolution(5, 5), {"pool": [6, 1]}],
            "b": [convolution(40, 1), NORMALISED, {"pool": [1, 9]}],
        },
        [{"dense": 5}, {"add": [{"dense": 5}]}, {"dropout": 0.0}],
    ),
    "convolutions of the back end": described(
        {"a": [convolution(5, 5)], "b": [convolution(5, 5)]},
        [convolution(2, 3), {"pool": [4, 4]}, {"concatenate": [convolution(1, 1)]}, {"dense": 4}],
    ),
}
DEEP = {name: Network.from_config(d, 40, 5) for name, d in DESCRIPTIONS.items()}
SMALL_DEEP = Network.from_config(
    described(
        {
            "a": [convolution(2, 3), NORMALISED, {"pool": [2, 2]}, convolution(2, 2, 4, **TIME)],
            "b": [convolution(3, 2, 3), {"mean_pool": [2, 1]}, convolution(1, 7)],
        },
        [
            {"add": [convolution(3, 3, 10, padding="same"), NORMALISED]},
            *[{"global_pool": ["max", "mean"]}, {"concatenate": [{"dense": 3}]}, {"dense": 5}],
        ],
        frames=12,
    ),
    bands=9,
    n_classes=5,
)
