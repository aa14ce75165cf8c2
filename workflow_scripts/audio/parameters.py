"""The parameters of the mel-spectrogram (paper, section II-A)."""

SAMPLE_RATE = 44100
FRAME_SIZE = 2048
HOP_SIZE = 1024
FRAME_RATE = SAMPLE_RATE / HOP_SIZE
N_BANDS = 40
# A frame with less energy in each band is silent (audio/silence.py): that of a tone at -91 dBFS or
# of white noise at -82 dBFS (RMS). 16-bit dither is below it, with or without noise shaping. The
# compression of such energies is below 1e-6.
SILENCE = 1e-10
WINDOW = "blackmanharris62"
# Essentia's defaults (https://essentia.upf.edu/reference/streaming_MelBands.html).
MEL = {
    "lowFrequencyBound": 0,
    "highFrequencyBound": 22050,
    "warpingFormula": "htkMel",
    "weighting": "warping",
    "normalize": "unit_sum",
    "type": "power",
    "log": False,
}
