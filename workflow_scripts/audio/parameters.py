"""The settings of the mel-spectrogram (paper, section II-A), and numbers of all front ends."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class FrontEnd:
    """The settings of the mel-spectrogram, `front_end` in config.yaml; defaults are the paper's.

    `sample_rate` in Hz; `frame_size` and `hop_size` in samples; `window` is a type of Essentia's
    Windowing; `n_bands` mel bands from `min_frequency` to `max_frequency` in Hz. Networks see
    log(1 + `compression` x), or the energies x themselves if `compression` is None.
    """

    sample_rate: int = 44100
    frame_size: int = 2048
    hop_size: int = 1024
    window: str = "blackmanharris62"
    n_bands: int = 40
    min_frequency: float = 0.0
    max_frequency: float = 22050.0
    compression: float | None = 10_000.0

    @classmethod
    def from_config(cls, front_end: Mapping[str, Any]) -> "FrontEnd":
        """The front end of `front_end` in a complete configuration.

        A `max_frequency` of None is half the sampling rate.
        """
        values = dict(front_end)
        if values["max_frequency"] is None:
            values["max_frequency"] = values["sample_rate"] / 2
        return cls(**values)

    @classmethod
    def from_json(cls, text: str) -> "FrontEnd":
        """The front end of the option --front-end of a step: `front_end` in config.yaml as JSON."""
        return cls.from_config(json.loads(text))

    @property
    def settings(self) -> dict[str, Any]:
        """The settings as `from_config` reads them, with a number for `max_frequency`."""
        values = asdict(self)
        # 22050 and 22050.0 are one frequency.
        for name in ("min_frequency", "max_frequency", "compression"):
            values[name] = None if values[name] is None else float(values[name])
        return values

    @property
    def n_bins(self) -> int:
        """The number of bins of a spectrum."""
        return self.frame_size // 2 + 1

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.hop_size

    @property
    def key(self) -> str:
        """A name for the features of this front end: its sizes, and a digest of all settings."""
        values = {k: v if isinstance(v, str | None) else float(v) for k, v in self.settings.items()}
        digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:8]
        return f"{self.sample_rate}-{self.frame_size}-{self.hop_size}-{self.n_bands}-{digest}"


PAPERS = FrontEnd()
# Of the demo, of excerpts that the page plays, and of Essentia's onset and tempo detection.
SAMPLE_RATE = 44100
# With the paper's front end, a frame with less energy in each band is silent (audio/silence.py): a
# 1 kHz tone below -91 dBFS, or white noise below -82 dBFS (RMS). So is 16-bit dither, with or
# without noise shaping. Their compressed energies are below 1e-6.
SILENCE = 1e-10
# Audio at full scale has an energy of about 1. This is 50 dB above: samples in float that are not
# scaled to -1 to 1, such as the integers of 16 bits.
LOUDEST = 1e5
# Essentia's defaults (https://essentia.upf.edu/reference/streaming_MelBands.html).
MEL = {
    "warpingFormula": "htkMel",
    "weighting": "warping",
    "normalize": "unit_sum",
    "type": "power",
    "log": False,
}
