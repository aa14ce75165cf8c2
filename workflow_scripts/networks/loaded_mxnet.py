"""MXNet, imported as this workflow needs it, in a third of the time."""

import os
import sys

# One thread per training: parallel trainings use the cores better than parallel threads.
os.environ["OMP_NUM_THREADS"] = "1"
# CUDA's libraries would use TF32, which has ten bits of precision, where the GPU supports it.
os.environ["NVIDIA_TF32_OVERRIDE"] = "0"

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

import numpy as np

# MXNet 1.9.1 uses this alias, which NumPy 1.24 removed.
np.bool = bool  # type: ignore[attr-defined]

from workflow_scripts.devices import cuda_libraries

# Makes the function of an operator, of which it gets the handle, the name and the function's name.
Maker = Callable[[Any, str, str], Callable[..., Any]]


def _at_first_call(make: Maker) -> Maker:
    """A maker of functions of operators that call `make` when they are called first."""

    def make_later(handle: Any, name: str, function_name: str) -> Callable[..., Any]:
        @cache
        def made() -> Callable[..., Any]:
            return make(handle, name, function_name)

        def operator(*arguments: Any, **options: Any) -> Any:
            return made()(*arguments, **options)

        operator.__name__ = function_name
        # MXNet edits the text.
        operator.__doc__ = ""
        return operator

    return make_later


def _import_with_few_operators() -> None:
    """Import MXNet 1.9.1, the last release, without the source code of its operators' functions.

    The import generates and compiles that of 3000 functions, of which the engine uses a few dozen.
    `mxnet.base`, which is imported first, does this.
    """
    spec = find_spec("mxnet")
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError("No module named 'mxnet'", name="mxnet")
    package = sys.modules["mxnet"] = module_from_spec(spec)
    try:
        base: Any = import_module("mxnet.base")
        init, init_of_numpy = base._init_op_module, base._init_np_op_module

        def init_later(root: str, module: str, make_op_func: Maker) -> None:
            init(root, module, _at_first_call(make_op_func))

        def init_of_numpy_later(*, make_op_func: Maker, **names: str | None) -> None:
            init_of_numpy(make_op_func=_at_first_call(make_op_func), **names)

        base._init_op_module, base._init_np_op_module = init_later, init_of_numpy_later
        spec.loader.exec_module(package)
    except BaseException:
        del sys.modules["mxnet"]
        raise


cuda_libraries.load()

# MXNet imports these for parts of it that the engine does not use. That would take another second.
_UNUSED: dict[str, ModuleType | None] = {
    "onnx": None,
    "scipy": None,
    "sklearn": None,
    # Imported without a check whether it is installed.
    "requests": ModuleType("requests"),
}
_UNUSED = {name: module for name, module in _UNUSED.items() if name not in sys.modules}
sys.modules.update(_UNUSED)  # type: ignore[arg-type]

if "mxnet" not in sys.modules:
    _import_with_few_operators()
import mxnet as mx
from mxnet import autograd, gluon, nd

for _name in _UNUSED:
    del sys.modules[_name]

__all__ = ["autograd", "gluon", "mx", "nd"]
