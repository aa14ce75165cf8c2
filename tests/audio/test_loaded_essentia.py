"""Essentia's algorithms are made on first use."""

import subprocess
import sys

import pytest

from workflow_scripts.audio.loaded_essentia import streaming


def test_an_unknown_algorithm_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'NoSuchAlgorithm'"):
        streaming.NoSuchAlgorithm  # noqa: B018


def test_only_algorithms_that_are_used_are_made():
    program = """
from workflow_scripts.audio.loaded_essentia import streaming
before = set(vars(streaming))
first = streaming.Windowing
assert streaming.Windowing is first and first(type="hann").name() == "Windowing"
print(sorted(set(vars(streaming)) - before))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "['Windowing']"
