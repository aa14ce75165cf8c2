"""A decoder that ends its process for some files; in a module of its own, quick to import."""

import os

import numpy as np

from workflow_scripts.audio.decoding import NotAudioError


def crash(path):
    """The length of the name, unless the name says otherwise."""
    if "bad" in path.name:
        os.abort()
    if "refused" in path.name:
        raise NotAudioError("is refused")
    return np.array([len(path.name)])
