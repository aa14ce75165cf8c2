"""Convolutions by Fourier transforms in PyTorch, on a CPU."""

import numpy as np
import torch
from torch.nn import functional

from workflow_scripts.networks.fourier import Partition


class WideConvolution:
    """The valid convolution of images with one channel, see `fourier`."""

    def __init__(self, partition: Partition) -> None:
        self._partition = partition
        self._transform = _matrix(partition.transform(), partition.length)
        self._of_filters = _matrix(partition.of_filters(), partition.block)
        self._inverse = _matrix(partition.inverse(), 2 * partition.frequencies)

    def __call__(self, values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """(segments, bands, frames) and (filters, m, n) -> (segments, filters, height, width).

        In memory, the filters are the last axis, for which PyTorch's pools are faster.
        """
        own = self._partition
        n_filters, m, _ = weight.shape
        spectra = self._spectra(values, m)
        factors = self._factors(weight)
        products = torch.bmm(spectra, factors.transpose(1, 2)).transpose(0, 1)
        products = products.reshape(-1, 2 * own.frequencies, n_filters)
        outputs = torch.bmm(self._inverse.expand(len(products), -1, -1), products)
        shape = len(values), values.shape[1] - m + 1, own.outputs, n_filters
        return outputs.view(shape).permute(0, 3, 1, 2)

    def _spectra(self, values: torch.Tensor, m: int) -> torch.Tensor:
        """Of the m bands that each output sees: (frequencies, segments height, 2 m blocks)."""
        own, (segments, bands, frames) = self._partition, values.shape
        padded = functional.pad(values, (0, own.inputs - frames))
        blocks = padded.unfold(2, own.length, own.block).reshape(-1, own.length)
        spectra = (self._transform @ blocks.T).view(-1, 2, segments, bands, own.n_blocks)
        of_outputs = spectra.unfold(3, m, 1).permute(0, 2, 3, 1, 5, 4)
        return of_outputs.reshape(own.frequencies, segments * (bands - m + 1), -1)

    def _factors(self, weight: torch.Tensor) -> torch.Tensor:
        """(frequencies, 2 filters, 2 m blocks)."""
        own, (n_filters, m, n) = self._partition, weight.shape
        blocks = functional.pad(weight, (0, own.taps - n)).reshape(-1, own.block)
        factors = (self._of_filters @ blocks.T).view(-1, 2, 2, n_filters, m, own.n_blocks)
        return factors.permute(0, 1, 3, 2, 4, 5).reshape(own.frequencies, 2 * n_filters, -1)


def _matrix(values: np.ndarray, columns: int) -> torch.Tensor:
    return torch.from_numpy(values.reshape(-1, columns))
