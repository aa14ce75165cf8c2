"""The parameters of the mel-spectrogram (paper, section II-A)."""

SAMPLE_RATE = 44100
FRAME_SIZE = 2048
HOP_SIZE = 1024
FRAME_RATE = SAMPLE_RATE / HOP_SIZE
N_BANDS = 40
