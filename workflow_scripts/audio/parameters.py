"""The parameters of the mel-spectrogram (paper, section II-A)."""

SAMPLE_RATE = 44100
FRAME_SIZE = 2048
HOP_SIZE = 1024
FRAME_RATE = SAMPLE_RATE / HOP_SIZE
N_BANDS = 40
# A frame with less energy in each band is silent (audio/silence.py): a 1 kHz tone below -91 dBFS,
# or white noise below -82 dBFS (RMS). So is 16-bit dither, with or without noise shaping. Their
# compressed energies are below 1e-6.
SILENCE = 1e-10
# Audio at full scale has an energy of about 1. This is 50 dB above: samples in float that are not
# scaled to -1 to 1, such as the integers of 16 bits.
LOUDEST = 1e5
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
