"""MXNet's operators are made when they are called first, in all ways in which they are called."""

import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

if find_spec("mxnet") is None:
    pytest.skip("MXNet has no build for this machine", allow_module_level=True)

from workflow_scripts.networks.loaded_mxnet import gluon, mx, nd


def test_operators_of_arrays_symbols_and_methods_give_their_values():
    values = nd.array([[1.0, -2.0], [3.0, 4.0]])
    assert nd.relu(values).asnumpy().tolist() == [[1, 0], [3, 4]]
    assert (values.abs() * 2 + 1 - values).sum().asscalar() == 2 * 10 + 4 - 6
    assert nd.linalg.gemm2(values, values, transpose_b=True).shape == (2, 2)
    x = mx.sym.var("x")
    outputs = mx.sym.sum(x * x, axis=1).bind(mx.cpu(), {"x": values}).forward()
    assert outputs[0].asnumpy().tolist() == [5, 25]
    # An operator that is made once gives the same values again.
    assert nd.relu(-values).asnumpy().tolist() == [[0, 2], [0, 0]]


def test_standard_layers_work():
    layer = gluon.nn.Dense(2, in_units=3)
    layer.initialize(mx.init.One())
    layer.hybridize()
    assert np.allclose(layer(nd.ones((1, 3))).asnumpy(), 3)


def test_a_broken_mxnet_is_reported_and_leaves_nothing_behind(tmp_path):
    (tmp_path / "mxnet").mkdir()
    (tmp_path / "mxnet/__init__.py").touch()
    (tmp_path / "mxnet/base.py").write_text("raise OSError('libmxnet.so: cannot open')")
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from workflow_scripts.errors import UserError
from workflow_scripts.networks.engine import engine_class
try:
    engine_class("mxnet")
except UserError as error:
    print(error, "mxnet" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    told = done.stdout.decode()
    assert "mxnet cannot be imported (libmxnet.so: cannot open)" in told and "False" in told
