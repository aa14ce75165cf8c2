"""The graph of the MXNet engine, from segments to loss."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from workflow_scripts.networks.architecture import FACTORED, Network
from workflow_scripts.networks.fourier import Partition
from workflow_scripts.networks.loaded_mxnet import gluon, nd
from workflow_scripts.networks.mxnet_fourier import constants
from workflow_scripts.networks.mxnet_layers import Forward, is_swapped


class Graph(gluon.HybridBlock):
    """(segments, labels) -> (mean cross-entropy, weighted by class if asked for, probabilities).

    With a hidden layer: (segments, labels, zeros) -> (the same, inputs of the layer). The zeros are
    added to the outputs of the layer. In training, the mean and the variance at each batch
    normalisation follow.
    """

    def __init__(
        self,
        network: Network,
        dropout: float,
        class_weights: np.ndarray | None,
        partitions: Mapping[str, Partition],
        of_training: "Graph | None" = None,
    ) -> None:
        """`partitions` are those of trunks whose first convolution is a product of spectra.

        `of_training` is the graph for training with whose arrays this one predicts.
        """
        super().__init__(prefix="", params=of_training.params if of_training else None)
        self._network = network
        self._dropout, self._partitions = dropout, partitions
        self._training = of_training is None
        trained = network.parameter_shapes()
        for name, shape in (trained if self._training else network.weight_shapes()).items():
            grad_req = "write" if name in trained and name != FACTORED else "null"
            shape = self._in_memory(name, shape)
            parameter = self.params.get(name, shape=shape, init="zeros", grad_req=grad_req)
            setattr(self, name, parameter)
        for trunk, partition in partitions.items():
            for name, matrix in constants(trunk, partition).items():
                setattr(self, name, self.params.get_constant(name, nd.array(matrix)))
        if class_weights is not None:
            self.class_weights = self.params.get_constant("class_weights", nd.array(class_weights))

    def _in_memory(self, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of an array in the graph, in which each image has channels."""
        if len(shape) < 3:
            return shape
        filters, *channels, height, width = shape
        trunk = self._network.trunks.get(name.split(".")[0])
        swapped = trunk is not None and is_swapped(trunk)
        return (filters, *(channels or [1]), *((width, height) if swapped else (height, width)))

    def hybrid_forward(
        self, F: Any, inputs: Any, labels: Any, zeros: Any = None, **arrays: Any
    ) -> tuple[Any, ...]:
        forward = Forward(F, arrays, self._dropout, self._partitions, zeros, self._training)
        trunks = [forward.trunk(trunk, inputs) for trunk in self._network.trunks.values()]
        values = trunks[0]
        if len(trunks) > 1:
            if self._network.flattens_trunks:
                trunks = [F.flatten(values) for values in trunks]
            values = F.concat(*trunks, dim=1)
        values = forward.layers(self._network.back_end, values)
        scores = forward.output(values, self._network.n_classes)
        of_label = F.pick(F.log_softmax(scores), labels)
        if "class_weights" in arrays:
            of_label = of_label * F.take(arrays["class_weights"], labels)
        loss = -F.mean(of_label)
        return loss, F.softmax(scores), *forward.hidden_inputs, *forward.statistics
