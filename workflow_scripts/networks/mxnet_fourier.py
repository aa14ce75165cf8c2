"""Convolutions by Fourier transforms in the graph of the MXNet engine, on a CPU.

All products but the filters' are convolutions in MXNet's terms, its fastest operator, that sum over
the channels: over frames, over the blocks and bands of one frequency (a group), over frequencies.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from workflow_scripts.networks.fourier import Partition
from workflow_scripts.networks.layers import Convolution, Placed


def constants(name: str, partition: Partition) -> dict[str, np.ndarray]:
    """The matrices of the transforms, by name, for the trunk `name`."""
    spectrum = 2 * partition.frequencies
    of_filters = partition.of_filters()
    return {
        f"{name}.transform": partition.transform().reshape(spectrum, partition.length, 1, 1),
        f"{name}.of_filters_0": of_filters[:, :, 0].reshape(spectrum, partition.block),
        f"{name}.of_filters_1": of_filters[:, :, 1].reshape(spectrum, partition.block),
        f"{name}.inverse": partition.inverse().reshape(partition.outputs, spectrum, 1, 1),
    }


class WideConvolution:
    """The convolution of one trunk on the spectrogram, see `fourier`.

    `arrays` has its weight, its bias and its `constants`.
    """

    def __init__(
        self, operators: Any, placed: Placed, partition: Partition, arrays: Mapping[str, Any]
    ) -> None:
        assert isinstance(placed.layer, Convolution)
        self._operators, self._partition, self._layer = operators, partition, placed.layer
        self._arrays = {
            name.removeprefix(f"{placed.name}."): array
            for name, array in arrays.items()
            if name.startswith(f"{placed.name}.")
        }
        self._height = placed.output[1]
        self._spectrum = 2 * partition.frequencies

    def __call__(self, values: Any, swapped: bool) -> Any:
        """(segments, 1, bands, frames) -> (segments, filters, height, width).

        With `swapped`, frames precede bands, width precedes height, and n precedes m in the weight.
        There is no gradient for `values`.
        """
        operators, own = self._operators, self._partition
        weight = self._arrays["weight"]
        if not swapped:
            values, weight = (operators.swapaxes(v, dim1=2, dim2=3) for v in (values, weight))
        products = operators.Convolution(
            operators.BlockGrad(self._spectra(values)),
            *(self._factors(weight), self._bias()),
            kernel=(1, self._layer.filter[0]),
            num_filter=self._spectrum * self._layer.n_filters,
            num_group=own.frequencies,
        )
        shape = -1, self._spectrum, self._layer.n_filters, self._height
        outputs = self._transformed(operators.reshape(products, shape=shape), "inverse")
        return operators.transpose(outputs, axes=(0, 2, 1, 3) if swapped else (0, 2, 3, 1))

    def _spectra(self, values: Any) -> Any:
        """(segments, 1, frames, bands) -> (segments, frequencies 2 blocks, 1, bands)."""
        operators, own = self._operators, self._partition
        below, above, before, after = self._layer.pads
        after += own.taps - self._layer.filter[1]
        if any((below, above, before, after)):
            width = (0, 0, 0, 0, before, after, below, above)
            values = operators.pad(values, mode="constant", pad_width=width)
        images = operators.reshape(values, shape=(0, -3, 0))
        blocks = [
            operators.slice_axis(images, axis=1, begin=start, end=start + own.length)
            for start in range(0, own.taps, own.block)
        ]
        spectra = self._transformed(operators.stack(*blocks, axis=2), "transform")
        bands = self._height + self._layer.filter[0] - 1
        return operators.reshape(spectra, shape=(-1, self._spectrum * own.n_blocks, 1, bands))

    def _factors(self, weight: Any) -> Any:
        """(filters, 1, n, m) -> (frequencies 2 filters, 2 blocks, 1, m)."""
        operators, own, (m, n) = self._operators, self._partition, self._layer.filter
        if own.taps > n:
            width = (0, 0, 0, 0, 0, own.taps - n, 0, 0)
            weight = operators.pad(weight, mode="constant", pad_width=width)
        blocks = operators.reshape(weight, shape=(-1, own.block, m))
        blocks = operators.reshape(
            operators.transpose(blocks, axes=(0, 2, 1)), shape=(-1, own.block)
        )
        parts = [
            operators.dot(self._arrays[name], blocks, transpose_b=True)
            for name in ("of_filters_0", "of_filters_1")
        ]
        rows = [operators.reshape(part, shape=(-1, own.n_blocks * m)) for part in parts]
        factors = operators.concat(*rows, dim=1)
        return operators.reshape(factors, shape=(-1, 2 * own.n_blocks, 1, m))

    def _bias(self) -> Any:
        """The bias, the same in all frames, is in the real part of frequency 0."""
        others = self._operators.zeros(shape=((self._spectrum - 1) * self._layer.n_filters,))
        mean = self._arrays["bias"] * self._partition.length
        return self._operators.concat(mean, others, dim=0)

    def _transformed(self, values: Any, name: str) -> Any:
        """The product of a matrix and the channels."""
        n_rows = self._partition.outputs if name == "inverse" else self._spectrum
        return self._operators.Convolution(
            *(values, self._arrays[name]), kernel=(1, 1), num_filter=n_rows, no_bias=True
        )
