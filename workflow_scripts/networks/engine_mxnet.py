"""The MXNet engine: one hybridised Gluon graph from segments to loss, trained by plain SGD.

Four optimisations make it several times faster on a CPU than standard layers, with the same
values:

- The axis of a pool is the last axis in memory.
- A long pool is split into several short ones.
- The ReLU, which commutes with the maximum, follows the pool, where there are fewer values.
- The gradient of the hidden layer's weights, millions of values in a black-box, is not stored. Its
  two factors update the weights in one matrix product.
"""

import os
import sys
from collections import deque
from typing import Any

# One thread per training: parallel trainings use the cores better than parallel threads.
os.environ["OMP_NUM_THREADS"] = "1"
# CUDA's libraries would use TF32, which has ten bits of precision, where the GPU supports it.
os.environ["NVIDIA_TF32_OVERRIDE"] = "0"

import numpy as np

# MXNet 1.9.1 uses this alias, which NumPy 1.24 removed.
np.bool = bool  # type: ignore[attr-defined]

from workflow_scripts.devices import cuda_libraries

cuda_libraries.load()

# MXNet imports these, if they are installed, for parts of it that the engine does not use. That
# would take another second.
_UNUSED = [name for name in ("onnx", "scipy", "sklearn") if name not in sys.modules]
sys.modules.update(dict.fromkeys(_UNUSED))  # type: ignore[arg-type]

import mxnet as mx
from mxnet import autograd, gluon, nd

for _name in _UNUSED:
    del sys.modules[_name]

from workflow_scripts.interruption import raise_if_stopped
from workflow_scripts.networks.architecture import Network, Shape, Trunk, Weights

PREDICTION_BATCH = 100
STEPS_AHEAD = 2
# The gradient of a longer pool is disproportionately slow (benchmarks/pools.py).
LONGEST_POOL = 20
# The array whose gradient is applied as two factors.
FACTORED = "hidden.weight"


class MXNetEngine:
    """See `Engine`."""

    NAME = "mxnet"
    VERSION: str = mx.__version__

    def __init__(
        self,
        network: Network,
        weights: Weights,
        dropout: float,
        gpu: bool,
        class_weights: np.ndarray | None = None,
    ) -> None:
        self._context = mx.gpu() if gpu else mx.cpu()
        self._graph = _Graph(network, dropout, class_weights)
        self._graph.initialize(ctx=self._context)
        self._graph.hybridize(static_alloc=True)
        self._hidden = network.hidden
        self._layouts = {name: _swapped(trunk) for name, trunk in network.trunks.items()}
        self._parameters = {name: self._graph.params.get(name) for name in network.weight_shapes()}
        for name, parameter in self._parameters.items():
            parameter.set_data(nd.array(self._to_layout(name, weights[name])))

    def place(self, values: np.ndarray) -> np.ndarray:
        return values

    def train(
        self,
        inputs: np.ndarray,
        labels: np.ndarray,
        batches: np.ndarray,
        learning_rate: float,
        seed: int,
    ) -> tuple[float, np.ndarray]:
        mx.random.seed(seed)
        pairs = [(p.data(), p.grad()) for n, p in self._parameters.items() if n != FACTORED]
        pending: deque[tuple[nd.NDArray, nd.NDArray]] = deque()
        losses: list[float] = []
        predicted = np.empty(batches.shape, np.int64)

        def finish_step() -> None:
            loss, probabilities = pending.popleft()
            predicted[len(losses)] = probabilities.asnumpy().argmax(axis=1)
            losses.append(loss.asscalar())

        for batch in batches:
            raise_if_stopped()
            loss, probabilities, factors = self._backward(inputs[batch], labels[batch])
            pending.append((loss, probabilities))
            for weight, gradient in pairs:
                nd.sgd_update(weight, gradient, lr=learning_rate, wd=0, out=weight)
            if factors:
                weight = self._parameters[FACTORED].data()
                nd.linalg.gemm(
                    *factors, weight, transpose_a=True, alpha=-learning_rate, beta=1, out=weight
                )
            # MXNet runs asynchronously. Without this limit, batches would fill the memory, and a
            # signal would have to wait for all of them.
            if len(pending) > STEPS_AHEAD:
                finish_step()
        while pending:
            finish_step()
        return float(np.mean(losses)), predicted

    def gradients(self, inputs: np.ndarray, labels: np.ndarray) -> tuple[float, Weights]:
        loss, _, factors = self._backward(inputs, labels)
        gradients = {n: p.grad() for n, p in self._parameters.items() if n != FACTORED}
        if factors:
            gradients[FACTORED] = nd.dot(*factors, transpose_a=True)
        return float(loss.asscalar()), {
            name: self._from_layout(name, gradient.asnumpy())
            for name, gradient in gradients.items()
        }

    def probabilities(self, inputs: np.ndarray) -> np.ndarray:
        parts = []
        for first in range(0, len(inputs), PREDICTION_BATCH):
            batch = inputs[first : first + PREDICTION_BATCH]
            outputs = self._graph(*self._arrays(batch, np.zeros(len(batch))))
            parts.append(outputs[1].asnumpy())
        return np.concatenate(parts)

    def weights(self) -> Weights:
        return {
            name: self._from_layout(name, parameter.data().asnumpy())
            for name, parameter in self._parameters.items()
        }

    def _backward(
        self, inputs: np.ndarray, labels: np.ndarray
    ) -> tuple[nd.NDArray, nd.NDArray, tuple[nd.NDArray, nd.NDArray] | None]:
        """Loss, probabilities, and factors of the hidden layer's gradient if there is such a layer.

        The factors are the gradient at the layer's outputs, (segments, units), and the layer's
        inputs, (segments, inputs).
        """
        arrays = self._arrays(inputs, labels)
        if self._hidden:
            arrays[-1].attach_grad()
        with autograd.record():
            loss, probabilities, *hidden_inputs = self._graph(*arrays)
        loss.backward()
        factors = (arrays[-1].grad, hidden_inputs[0]) if self._hidden else None
        return loss, probabilities, factors

    def _arrays(self, inputs: np.ndarray, labels: np.ndarray) -> list[nd.NDArray]:
        arrays = [self._array(inputs), self._array(labels)]
        if self._hidden:
            # Added to the layer's outputs, so that the gradient of the zeros is theirs.
            arrays.append(nd.zeros((len(inputs), self._hidden), ctx=self._context))
        return arrays

    def _array(self, values: np.ndarray) -> nd.NDArray:
        # A new float32 array that shares its memory with MXNet: ten times as fast as nd.array.
        shared = nd.from_numpy(values.astype(np.float32, order="C"), zero_copy=True)
        return shared.as_in_context(self._context)

    def _to_layout(self, name: str, weight: np.ndarray) -> np.ndarray:
        trunk, kind = name.split(".")
        if trunk not in self._layouts or kind == "bias":
            return weight
        return (weight.transpose(0, 2, 1) if self._layouts[trunk] else weight)[:, np.newaxis]

    def _from_layout(self, name: str, weight: np.ndarray) -> np.ndarray:
        trunk, kind = name.split(".")
        if trunk not in self._layouts or kind == "bias":
            return weight
        weight = weight[:, 0]
        return np.ascontiguousarray(weight.transpose(0, 2, 1) if self._layouts[trunk] else weight)


ENGINE = MXNetEngine


class _Graph(gluon.HybridBlock):
    """(segments, labels) -> (mean cross-entropy, weighted by class if asked for, probabilities).

    With a hidden layer: (segments, labels, zeros) -> (the same, inputs of the layer). The zeros are
    added to the outputs of the layer.
    """

    def __init__(self, network: Network, dropout: float, class_weights: np.ndarray | None) -> None:
        super().__init__(prefix="")
        self._network = network
        self._dropout = dropout
        for name, shape in network.weight_shapes().items():
            trunk, kind = name.split(".")
            if trunk in network.trunks and kind == "weight":
                filters, height, width = shape
                swapped = _swapped(network.trunks[trunk])
                shape = (filters, 1, width, height) if swapped else (filters, 1, height, width)
            grad_req = "null" if name == FACTORED else "write"
            parameter = self.params.get(name, shape=shape, init="zeros", grad_req=grad_req)
            setattr(self, name, parameter)
        if class_weights is not None:
            self.class_weights = self.params.get_constant("class_weights", nd.array(class_weights))

    def hybrid_forward(
        self, F: Any, inputs: Any, labels: Any, zeros: Any = None, **weights: Any
    ) -> tuple[Any, ...]:
        trunks = [
            self._trunk(F, trunk, inputs, weights[f"{name}.weight"], weights[f"{name}.bias"])
            for name, trunk in self._network.trunks.items()
        ]
        values = F.concat(*trunks, dim=1) if len(trunks) > 1 else trunks[0]
        values = F.Dropout(values, p=self._dropout)
        hidden_inputs = []
        if self._network.hidden:
            hidden_inputs = [values]
            # Without a gradient for its weights, FullyConnected computes none for its bias.
            values = F.FullyConnected(
                values, weights["hidden.weight"], no_bias=True, num_hidden=self._network.hidden
            )
            values = F.broadcast_add(values, weights["hidden.bias"].expand_dims(0)) + zeros
            values = F.Dropout(F.relu(values), p=self._dropout)
        values = F.FullyConnected(
            values,
            weights["output.weight"],
            weights["output.bias"],
            num_hidden=self._network.n_classes,
        )
        of_label = F.pick(F.log_softmax(values), labels)
        if "class_weights" in weights:
            of_label = of_label * F.take(weights["class_weights"], labels)
        loss = -F.mean(of_label)
        return loss, F.softmax(values), *hidden_inputs

    def _trunk(self, F: Any, trunk: Trunk, inputs: Any, weight: Any, bias: Any) -> Any:
        kernel, pool = trunk.filter, trunk.pool
        if _swapped(trunk):
            inputs = F.transpose(inputs, axes=(0, 2, 1))
            kernel, pool = kernel[::-1], pool[::-1]
        values = F.expand_dims(inputs, axis=1)
        values = F.Convolution(values, weight, bias, kernel=kernel, num_filter=trunk.n_filters)
        values = _pool(F, values, pool)
        if _swapped(trunk):
            values = F.transpose(values, axes=(0, 1, 3, 2))
        return F.flatten(F.relu(values))


def _pool(F: Any, values: Any, pool: Shape) -> Any:
    for stage in _stages(pool):
        values = F.Pooling(values, kernel=stage, stride=stage, pool_type="max")
    return values


def _stages(pool: Shape) -> list[Shape]:
    """Smaller pools that, applied in turn, equal `pool`; only pools (1, n) are split."""
    if pool[0] != 1 or pool[1] <= LONGEST_POOL:
        return [pool]
    first = max(d for d in range(1, LONGEST_POOL + 1) if pool[1] % d == 0)
    if first == 1:
        return [pool]
    return [(1, first), *_stages((1, pool[1] // first))]


def _swapped(trunk: Trunk) -> bool:
    """Whether frequency is the last axis in the graph, which makes a pool along it faster."""
    return trunk.pool[0] > 1 and trunk.pool[1] == 1
