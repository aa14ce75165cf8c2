"""Essentia, imported as this workflow needs it, in a fifth of the time."""

from typing import Any

import essentia
from essentia import _essentia

# The import of `essentia.streaming` makes a class of each of its 245 algorithms, and for that an
# instance of it. The workflow uses a dozen; they are made on first use.
_names = _essentia.skeys
_essentia.skeys = list
try:
    import essentia.streaming as streaming
finally:
    _essentia.skeys = _names


def _algorithm(name: str) -> Any:
    """The class of the streaming algorithm with this name. Raises AttributeError without one."""
    if name not in _names():
        raise AttributeError(f"module 'essentia.streaming' has no attribute {name!r}")
    streaming._create_streaming_algo(name)
    return vars(streaming)[name]


streaming.__getattr__ = _algorithm
essentia.log.infoActive = False
essentia.log.warningActive = False

__all__ = ["essentia", "streaming"]
