"""What depends on the front end, with the paper's settings, as most tests use it."""

from workflow_scripts.audio import front_end, silence
from workflow_scripts.audio.parameters import PAPERS
from workflow_scripts.dataset import level, normalisation

RULE = silence.rule(PAPERS)
EDGE, SHORTEST = RULE.edge, RULE.shortest
FRAME_RATE = PAPERS.frame_rate


def mel_bands(audio):
    return front_end.mel_bands(audio, PAPERS)


def silent_frames(energies):
    return silence.silent_frames(energies, PAPERS)


def is_silent(energies):
    return silence.is_silent(energies, PAPERS)


def in_silence(energies):
    return silence.in_silence(energies, PAPERS)


def level_of(energies, silent):
    return level.level_of(energies, silent, PAPERS)


def compress(energies):
    return normalisation.compress(energies, PAPERS.compression)
