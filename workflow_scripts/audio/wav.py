"""Write mono 16-bit WAV files."""

import wave
from pathlib import Path

import numpy as np

from workflow_scripts.audio.parameters import SAMPLE_RATE


def write_wav(path: Path, sound: np.ndarray) -> None:
    """Write `sound`, shape (samples,), floats in -1 ... 1, as 16-bit PCM at 44.1 kHz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
