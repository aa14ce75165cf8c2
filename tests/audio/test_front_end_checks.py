"""Which front ends are refused: as Essentia does, and what would cost time or memory."""

import math
from dataclasses import replace

import numpy as np
import pytest
import yaml
from essentia import standard

from tests.conftest import ROOT
from workflow_scripts.audio import front_end_checks
from workflow_scripts.audio.front_end_checks import SIZES, WINDOWS, UnusableError, check
from workflow_scripts.audio.parameters import FrontEnd

SCHEMA = yaml.safe_load((ROOT / "config.schema.yaml").read_text())["properties"]["front_end"]
PAPER = FrontEnd()
SMALL = FrontEnd(16000, 512, 256, "hann", 96, 0, 8000, None)


@pytest.mark.parametrize(
    "front_end",
    [
        PAPER,
        SMALL,
        replace(SMALL, hop_size=160, n_bands=64, min_frequency=125.0, max_frequency=7500),
        replace(PAPER, sample_rate=22050, hop_size=512, n_bands=128, max_frequency=11025),
        replace(PAPER, frame_size=8192, hop_size=441, n_bands=81, min_frequency=30),
        *(replace(PAPER, window=window) for window in WINDOWS),
    ],
)
def test_usual_front_ends_can_be_computed(front_end):
    check(front_end)


def test_the_bounds_are_those_of_the_schema():
    properties = SCHEMA["properties"]
    bounds = {
        k: (v["minimum"], v["maximum"])
        for k, v in properties.items()
        if "maximum" in v and "minimum" in v
    }
    assert bounds == SIZES
    assert properties["window"]["enum"] == [*WINDOWS]
    assert properties["compression"]["maximum"] == front_end_checks.LARGEST_COMPRESSION


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_bands": 10**9}, "n_bands is 1000000000, not a whole number from 2 to 512"),
        ({"n_bands": 1}, "n_bands is 1, not"),
        ({"n_bands": 40.0}, "n_bands is 40.0, not"),
        ({"hop_size": 0}, "hop_size is 0, not a whole number from 32 to 16384"),
        ({"hop_size": True}, "hop_size is True, not"),
        ({"hop_size": math.nan}, "hop_size is nan, not"),
        ({"hop_size": None}, "hop_size is None, not"),
        ({"frame_size": 1 << 40}, "frame_size is 1099511627776, not"),
        ({"frame_size": "x" * 10**6}, "frame_size is '" + "x" * 39 + ", not"),
        ({"frame_size": 2047}, "frame_size is 2047, an odd number"),
        ({"hop_size": 2049}, "hop_size is 2049, more than frame_size, 2048"),
        ({"hop_size": 63}, "hop_size is 63, less than frame_size / 32, 64"),
        ({"sample_rate": 10**400}, "sample_rate is 1000000000"),
        ({"sample_rate": -44100}, "sample_rate is -44100, not"),
        ({"window": "kaiser"}, "window is 'kaiser', which is unknown"),
        ({"window": ["hann"]}, r"window is \['hann'\], which is unknown"),
        ({"max_frequency": 22051}, "max_frequency is 22051, not .* up to half of .*22050"),
        ({"max_frequency": math.nan}, "max_frequency is nan, not"),
        ({"max_frequency": 0}, "max_frequency is 0, not"),
        ({"max_frequency": None}, "max_frequency is None, not"),
        ({"min_frequency": 22050}, "min_frequency is 22050, not .* below max_frequency, 22050"),
        ({"min_frequency": -1e-9}, "min_frequency is -1e-09, not"),
        ({"min_frequency": math.nan}, "min_frequency is nan, not"),
        ({"compression": math.nan}, "compression is nan, neither null nor"),
        ({"compression": 0}, "compression is 0, neither"),
        ({"compression": math.inf}, "compression is inf, neither"),
        ({"compression": "10000"}, "compression is '10000', neither"),
        ({"n_bands": 250}, "n_bands is 250, too many for frequencies 21.5332 Hz apart"),
        ({"max_frequency": 100}, "n_bands is 40, too many for frequencies"),
        (
            {"sample_rate": 192_000, "frame_size": 512, "hop_size": 32, "n_bands": 40},
            "n_bands is 40, 240,000 energies per second of audio, at most 25,600 are supported",
        ),
        (
            {"sample_rate": 96_000, "frame_size": 16_384, "hop_size": 512, "n_bands": 100},
            "n_bands is 100, too many for frames of 16384 samples each 512",
        ),
    ],
)  # fmt: skip
def test_others_are_refused_in_a_sentence(changes, sentence):
    with pytest.raises(UnusableError, match=f"^{sentence}") as reason:
        check(replace(PAPER, **changes))
    assert len(str(reason.value)) < 200 and "\n" not in str(reason.value) and reason.value.remedy


def test_bands_without_a_frequency_are_those_that_essentia_refuses():
    """Apart from bands whose best weight is below SMALLEST_WEIGHT."""
    rng = np.random.default_rng(0)
    counts = {True: 0, False: 0}
    for _ in range(400):
        rate = int(rng.choice([8000, 16000, 22050, 44100, 96000]))
        size = int(rng.choice([64, 256, 400, 512, 1024, 2048]))
        bounds = (float(rng.choice([0, 30, 125.5])), rate / float(rng.choice([2, 2.5, 3])))
        front_end = FrontEnd(rate, size, size // 2, "hann", int(rng.integers(2, 150)), *bounds)
        try:
            standard.MelBands(
                inputSize=size // 2 + 1,
                sampleRate=rate,
                numberBands=front_end.n_bands,
                lowFrequencyBound=bounds[0],
                highFrequencyBound=bounds[1],
                weighting="warping",
                warpingFormula="htkMel",
            )
            computed = True
        except RuntimeError:
            computed = False
        assert front_end_checks.all_bands_have_a_frequency(front_end) == computed, front_end
        counts[computed] += 1
    assert min(counts.values()) > 100
