"""A decoder that crashes on some files; a separate module, which workers import quickly."""

import os

import numpy as np

from workflow_scripts.audio.decoding import NotAudioError


def crash(path):
    """The length of the name; crash for names with "bad", raise for names with "refused"."""
    if "bad" in path.name:
        os.abort()
    if "refused" in path.name:
        raise NotAudioError("is refused")
    return np.array([len(path.name)])
