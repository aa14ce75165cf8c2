"""The parameters of the mel-spectrogram (paper, section II-A)."""

SAMPLE_RATE = 44100
FRAME_SIZE = 2048
HOP_SIZE = 1024
FRAME_RATE = SAMPLE_RATE / HOP_SIZE
N_BANDS = 40
# Below it the compressed energy, log(1 + 10000 x), stays below 1e-7: a tone at -100 dB.
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
# What decides the numbers, told to whom a model is handed over.
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
