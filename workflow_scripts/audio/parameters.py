"""The parameters of the mel-spectrogram (paper, section II-A)."""

SAMPLE_RATE = 44100
FRAME_SIZE = 2048
HOP_SIZE = 1024
FRAME_RATE = SAMPLE_RATE / HOP_SIZE
N_BANDS = 40
# A track with less energy x in all bands is silent: log(1 + 10000 x) < 1e-7, a tone at -100 dB.
SILENCE = 1e-11
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
