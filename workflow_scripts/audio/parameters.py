"""The parameters of the mel-spectrogram (paper, section II-A)."""

SAMPLE_RATE = 44100
FRAME_SIZE = 2048
HOP_SIZE = 1024
FRAME_RATE = SAMPLE_RATE / HOP_SIZE
N_BANDS = 40
# A track with less energy x in all bands is silent: log(1 + 10000 x) < 1e-7, a tone at -100 dB.
SILENCE = 1e-11
# Audio at full scale has an energy of about 1. From this one on, 10000 x is infinite in float32.
LOUDEST = 3e34
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
# The settings that determine the energies, as stored in exported models.
FRONT_END = {
    "library": "Essentia",
    "sample_rate": SAMPLE_RATE,
    "channels": "mean",
    "frame_size": FRAME_SIZE,
    "hop_size": HOP_SIZE,
    "first_frame": "centred on the first sample",
    "window": WINDOW,
    "n_bands": N_BANDS,
    **MEL,
}
