"""The MXNet engine: one hybridised Gluon graph from segments to loss, trained by plain SGD."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from workflow_scripts.interruption import raise_if_stopped
from workflow_scripts.networks import fourier, layers
from workflow_scripts.networks.architecture import FACTORED, Network, Weights
from workflow_scripts.networks.loaded_mxnet import autograd, mx, nd
from workflow_scripts.networks.mxnet_graph import Graph
from workflow_scripts.networks.mxnet_layers import is_swapped

PREDICTION_BATCH = 100
STEPS_AHEAD = 2


@dataclass(frozen=True)
class _Step:
    """The forward and backward pass of one batch.

    `factors` of the hidden layer's gradient, if there is such a layer: the gradient at the layer's
    outputs, (segments, units), and the layer's inputs, (segments, inputs). `statistics` are those
    of the batch, in the order of the running statistics.
    """

    loss: nd.NDArray
    probabilities: nd.NDArray
    factors: tuple[nd.NDArray, nd.NDArray] | None
    statistics: list[nd.NDArray]


class MXNetEngine:
    """See `Engine`."""

    NAME = "mxnet"
    VERSION: str = mx.__version__
    SIDE_BY_SIDE = None

    def __init__(
        self,
        network: Network,
        weights: Weights,
        dropout: float,
        gpu: bool,
        class_weights: np.ndarray | None = None,
    ) -> None:
        self._context = mx.gpu() if gpu else mx.cpu()
        # cuDNN has algorithms of its own for wide filters.
        partitions = {} if gpu else fourier.partitions(network)
        description = network, dropout, class_weights, partitions
        self._graph = self._predictor = Graph(*description)
        if network.normalises_batches():
            self._predictor = Graph(*description, self._graph)
        self._predictor.initialize(ctx=self._context)
        for graph in {self._graph, self._predictor}:
            graph.hybridize(static_alloc=True)
        self._hidden = network.hidden
        self._swapped = {
            f"{placed.name}.weight"
            for trunk in network.trunks.values()
            if is_swapped(trunk)
            for placed in layers.flattened(trunk.layers)
        }
        self._on_spectrogram = {f"{name}.weight" for name in network.trunks}
        self._trained = network.parameter_shapes().keys()
        self._statistics = [n for n in network.weight_shapes() if n not in self._trained]
        self._parameters = {
            name: self._predictor.params.get(name) for name in network.weight_shapes()
        }
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
        parameters = [self._parameters[name] for name in self._trained if name != FACTORED]
        pairs = [(parameter.data(), parameter.grad()) for parameter in parameters]
        pending: deque[tuple[nd.NDArray, nd.NDArray]] = deque()
        losses: list[float] = []
        predicted = np.empty(batches.shape, np.int64)

        def finish_step() -> None:
            loss, probabilities = pending.popleft()
            predicted[len(losses)] = probabilities.asnumpy().argmax(axis=1)
            losses.append(loss.asscalar())

        for batch in batches:
            raise_if_stopped()
            step = self._backward(inputs[batch], labels[batch])
            pending.append((step.loss, step.probabilities))
            for weight, gradient in pairs:
                nd.sgd_update(weight, gradient, lr=learning_rate, wd=0, out=weight)
            if step.factors:
                weight = self._parameters[FACTORED].data()
                nd.linalg.gemm(
                    *step.factors,
                    weight,
                    transpose_a=True,
                    alpha=-learning_rate,
                    beta=1,
                    out=weight,
                )
            self._update_statistics(step.statistics)
            # MXNet runs asynchronously. Without this limit, batches would fill the memory, and a
            # signal would have to wait for all of them.
            if len(pending) > STEPS_AHEAD:
                finish_step()
        while pending:
            finish_step()
        return float(np.mean(losses)), predicted

    def gradients(self, inputs: np.ndarray, labels: np.ndarray) -> tuple[float, Weights]:
        step = self._backward(inputs, labels)
        gradients = {n: self._parameters[n].grad() for n in self._trained if n != FACTORED}
        if step.factors:
            gradients[FACTORED] = nd.dot(*step.factors, transpose_a=True)
        return float(step.loss.asscalar()), {
            name: self._from_layout(name, gradient.asnumpy())
            for name, gradient in gradients.items()
        }

    def probabilities(self, inputs: np.ndarray) -> np.ndarray:
        parts = []
        for first in range(0, len(inputs), PREDICTION_BATCH):
            batch = inputs[first : first + PREDICTION_BATCH]
            outputs = self._predictor(*self._arrays(batch, np.zeros(len(batch))))
            parts.append(outputs[1].asnumpy())
        return np.concatenate(parts)

    def weights(self) -> Weights:
        return {
            name: self._from_layout(name, parameter.data().asnumpy())
            for name, parameter in self._parameters.items()
        }

    def _update_statistics(self, of_batch: list[nd.NDArray]) -> None:
        """Update the running statistics by those of a batch."""
        for name, value in zip(self._statistics, of_batch, strict=True):
            running = self._parameters[name].data()
            running[:] = layers.MOMENTUM * running + (1 - layers.MOMENTUM) * value

    def _backward(self, inputs: np.ndarray, labels: np.ndarray) -> "_Step":
        arrays = self._arrays(inputs, labels)
        if self._hidden:
            arrays[-1].attach_grad()
        with autograd.record():
            loss, probabilities, *others = self._graph(*arrays)
        loss.backward()
        factors = (arrays[-1].grad, others.pop(0)) if self._hidden else None
        return _Step(loss, probabilities, factors, others)

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
        if name in self._on_spectrogram:
            weight = weight[:, np.newaxis]
        return weight.swapaxes(-2, -1) if name in self._swapped else weight

    def _from_layout(self, name: str, weight: np.ndarray) -> np.ndarray:
        if name in self._swapped:
            weight = weight.swapaxes(-2, -1)
        return np.ascontiguousarray(weight[:, 0] if name in self._on_spectrogram else weight)


ENGINE = MXNetEngine
