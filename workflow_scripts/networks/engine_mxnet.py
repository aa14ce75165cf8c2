"""The MXNet engine: one hybridised Gluon graph from segments to loss, plain SGD.

Three forms make it several times faster on a CPU than layers put together plainly, with the same
values: the axis that a pool runs along comes last; a long pool is several short ones in a row; and
the ReLU, which commutes with the maximum, comes after the pool, on fewer values.
"""

import os
from collections import deque
from typing import Any

# One thread a training: a second one hardly helps, a second training does.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

# MXNet 1.9.1 predates NumPy 1.24, which dropped this alias.
np.bool = bool  # type: ignore[attr-defined]

from workflow_scripts.networks import cuda_libraries

cuda_libraries.load()

import mxnet as mx
from mxnet import autograd, gluon, nd

from workflow_scripts.networks.architecture import Network, Shape, Trunk, Weights

PREDICTION_BATCH = 100
STEPS_AHEAD = 2
# The gradient of a longer pool takes time out of proportion (benchmarks/pools.py).
LONGEST_POOL = 20


class MXNetEngine:
    """See `Engine`."""

    NAME = "mxnet"
    VERSION: str = mx.__version__

    def __init__(self, network: Network, weights: Weights, dropout: float, gpu: bool) -> None:
        self._context = mx.gpu() if gpu else mx.cpu()
        self._graph = _Graph(network, dropout)
        self._graph.initialize(ctx=self._context)
        self._graph.hybridize(static_alloc=True)
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
    ) -> float:
        mx.random.seed(seed)
        pairs = [(p.data(), p.grad()) for p in self._parameters.values()]
        pending: deque[nd.NDArray] = deque()
        losses = []
        for batch in batches:
            pending.append(self._backward(inputs[batch], labels[batch]))
            for weight, gradient in pairs:
                nd.sgd_update(weight, gradient, lr=learning_rate, wd=0, out=weight)
            # MXNet runs behind: further ahead, batches pile up and a signal waits for them all.
            if len(pending) > STEPS_AHEAD:
                losses.append(pending.popleft().asscalar())
        losses.extend(loss.asscalar() for loss in pending)
        return float(np.mean(losses))

    def gradients(self, inputs: np.ndarray, labels: np.ndarray) -> tuple[float, Weights]:
        loss = self._backward(inputs, labels).asscalar()
        return float(loss), {
            name: self._from_layout(name, parameter.grad().asnumpy())
            for name, parameter in self._parameters.items()
        }

    def probabilities(self, inputs: np.ndarray) -> np.ndarray:
        parts = []
        for first in range(0, len(inputs), PREDICTION_BATCH):
            batch = inputs[first : first + PREDICTION_BATCH]
            _, probabilities = self._graph(self._array(batch), self._array(np.zeros(len(batch))))
            parts.append(probabilities.asnumpy())
        return np.concatenate(parts)

    def weights(self) -> Weights:
        return {
            name: self._from_layout(name, parameter.data().asnumpy())
            for name, parameter in self._parameters.items()
        }

    def _backward(self, inputs: np.ndarray, labels: np.ndarray) -> nd.NDArray:
        with autograd.record():
            loss, _ = self._graph(self._array(inputs), self._array(labels))
        loss.backward()
        return loss

    def _array(self, values: np.ndarray) -> nd.NDArray:
        # Shares the memory of a new float32 array: nd.array takes ten times as long.
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
    """(segments, labels) -> (mean cross-entropy, probabilities)."""

    def __init__(self, network: Network, dropout: float) -> None:
        super().__init__(prefix="")
        self._network = network
        self._dropout = dropout
        for name, shape in network.weight_shapes().items():
            trunk, kind = name.split(".")
            if trunk in network.trunks and kind == "weight":
                filters, height, width = shape
                swapped = _swapped(network.trunks[trunk])
                shape = (filters, 1, width, height) if swapped else (filters, 1, height, width)
            setattr(self, name, self.params.get(name, shape=shape, init="zeros"))

    def hybrid_forward(self, F: Any, inputs: Any, labels: Any, **weights: Any) -> tuple[Any, Any]:
        trunks = [
            self._trunk(F, trunk, inputs, weights[f"{name}.weight"], weights[f"{name}.bias"])
            for name, trunk in self._network.trunks.items()
        ]
        values = F.concat(*trunks, dim=1) if len(trunks) > 1 else trunks[0]
        for layer in ("hidden", "output") if self._network.hidden else ("output",):
            values = F.Dropout(values, p=self._dropout)
            values = F.FullyConnected(
                values,
                weights[f"{layer}.weight"],
                weights[f"{layer}.bias"],
                num_hidden=self._network.hidden if layer == "hidden" else self._network.n_classes,
            )
            values = F.relu(values) if layer == "hidden" else values
        loss = -F.mean(F.pick(F.log_softmax(values), labels))
        return loss, F.softmax(values)

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
    """Smaller pools that one after the other give the same maxima as `pool`, (1, n) split up."""
    if pool[0] != 1 or pool[1] <= LONGEST_POOL:
        return [pool]
    first = max(d for d in range(1, LONGEST_POOL + 1) if pool[1] % d == 0)
    if first == 1:
        return [pool]
    return [(1, first), *_stages((1, pool[1] // first))]


def _swapped(trunk: Trunk) -> bool:
    """Whether the graph has frequency as its last axis: a pool along it is faster there."""
    return trunk.pool[0] > 1 and trunk.pool[1] == 1
