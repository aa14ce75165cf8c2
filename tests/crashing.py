"""A decoder that crashes on some files; a separate module, which workers import quickly."""

import os

import numpy as np

from workflow_scripts.audio.decoding import NotAudioError

poisoned = False


def crash(path):
    """The length of the name; crash for names with "bad", raise for names with "refused".

    After a name with "poison", the process crashes at the next path.
    """
    global poisoned
    if poisoned:
        os.abort()
    poisoned = "poison" in path.name
    if "bad" in path.name:
        os.abort()
    if "refused" in path.name:
        raise NotAudioError("is refused")
    return np.array([len(path.name)])
