"""Front ends for tests, besides the paper's."""

from workflow_scripts.audio.parameters import FrontEnd

# That of musicnn (Pons & Serra 2019), apart from its window and compression.
SPEECH_RATE = FrontEnd(16000, 512, 256, n_bands=96, max_frequency=8000)
FRONT_ENDS = {
    "16 kHz, 96 bands": SPEECH_RATE,
    "22 kHz, Hann, 30 Hz": FrontEnd(22050, 1024, 512, "hann", 64, 30, 11000),
    "44 kHz, Hamming, 128 bands": FrontEnd(44100, 4096, 1024, "hamming", 128),
    "no power of two": FrontEnd(16000, 400, 160, "hann", 40, 125.5, 7500, None),
    "no overlap": FrontEnd(44100, 2048, 2048, "triangular"),
    "steep window": FrontEnd(22050, 1000, 333, "blackmanharris92", 10, 0, 11025, 100),
}
