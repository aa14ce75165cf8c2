"""Convolutions with wide filters as products of spectra, for fewer multiplications.

Overlap-save with a filter cut into blocks (T. G. Stockham, "High-speed convolution and
correlation", 1966; B. D. Kulp, "Digital equalization using Fourier transform techniques", 1988).
Output frame t is the sum of input frame t + q times tap q. Block k has the taps from k L on, L
taps; it meets only the T + L - 1 input frames from k L on, where T is the number of output frames.
For spectra of that length, blocks, bands and input channels are summed before the inverse
transform, which is computed only for the T frames.

A transform is a product with a matrix: the lengths are short, and products are what the frameworks
do best. Complex numbers are pairs of real ones.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from workflow_scripts.networks import layers
from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.layers import Convolution, Placed

# A direct convolution must take so many times the multiplications, of which it does more a second.
# At 3 to 4 times, a convolution with its gradient gains 1.3 times in MXNet and twice in PyTorch.
MARGIN = 3
# The time of a multiplication of spectra, in smaller products, in those of direct convolutions.
SLOWER = 2
# Filters are transformed once for a batch; the size of the paper's.
BATCH = 10


@dataclass(frozen=True)
class Partition:
    """Filters of `n_blocks` blocks of `block` taps in time, for `outputs` frames of output."""

    outputs: int
    block: int
    n_blocks: int

    @property
    def length(self) -> int:
        """The length of a transform, in frames."""
        return self.outputs + self.block - 1

    @property
    def frequencies(self) -> int:
        """The frequencies of the spectrum of a real signal of `length`."""
        return self.length // 2 + 1

    @property
    def taps(self) -> int:
        """The taps of a filter with the zeros that fill its last block."""
        return self.n_blocks * self.block

    @property
    def inputs(self) -> int:
        """The frames of the input with the zeros after it that the last block meets."""
        return self.outputs + self.taps - 1

    def transform(self) -> np.ndarray:
        """From frames to real and imaginary parts, float32 (frequencies, 2, length)."""
        cosine, sine = self._waves(self.length)
        return np.stack([cosine, -sine], axis=1).astype(np.float32)

    def of_filters(self) -> np.ndarray:
        """From taps to the factors of a spectrum, float32 (frequencies, 2, 2, block).

        The product with the conjugate, as a matrix for each frequency: rows are the real and the
        imaginary part of the result, columns those of the input's spectrum.
        """
        cosine, sine = self._waves(self.block)
        rows = np.stack([cosine, -sine], axis=1), np.stack([sine, cosine], axis=1)
        return np.stack(rows, axis=1).astype(np.float32)

    def inverse(self) -> np.ndarray:
        """From real and imaginary parts to frames, float32 (outputs, frequencies, 2)."""
        cosine, sine = self._waves(self.outputs)
        # Each frequency stands for its conjugate too, except those that are their own.
        own = np.isin(np.arange(self.frequencies) * 2, (0, self.length))
        waves = np.stack([cosine, -sine], axis=1) * np.where(own, 1, 2)[:, None, None]
        return (waves / self.length).transpose(2, 0, 1).astype(np.float32)

    def multiplications(self, placed: Placed) -> int:
        """Of a convolution with one input channel, for a batch of BATCH segments."""
        m, _ = _layer(placed).filter
        n_filters, height, _ = placed.output
        spectrum, rows = 2 * self.frequencies, height + m - 1
        of_inputs = rows * self.n_blocks * self.length * spectrum
        products = height * m * self.n_blocks * n_filters * 2 * spectrum
        of_outputs = height * n_filters * spectrum * self.outputs
        of_filters = n_filters * m * self.taps * 2 * spectrum
        return BATCH * (of_inputs + products + of_outputs) + of_filters

    def _waves(self, frames: int) -> tuple[np.ndarray, np.ndarray]:
        """Cosines and sines, float64 (frequencies, frames)."""
        turns = np.outer(np.arange(self.frequencies), np.arange(frames)) % self.length
        angles = 2 * np.pi * turns / self.length
        return np.cos(angles), np.sin(angles)


def partitions(network: Network) -> dict[str, Partition]:
    """The trunks whose first convolution is faster this way, with the best size of the blocks.

    Later convolutions, with several input channels and shorter filters, stay direct.
    """
    first = {name: trunk.layers[0] for name, trunk in network.trunks.items()}
    return {
        name: _best(placed)
        for name, placed in first.items()
        if _multiplications(placed) >= MARGIN * _best(placed).multiplications(placed)
    }


def multiplications(network: Network) -> int:
    """Of the layers of a network for one segment, as a measure of their time on a CPU.

    Those of spectra count for as many of direct convolutions as take the same time.
    """
    direct = sum(layers.multiplications(placed) for placed in network.all_layers())
    saved = 0
    for name, partition in partitions(network).items():
        placed = network.trunks[name].layers[0]
        saved += _multiplications(placed) - SLOWER * partition.multiplications(placed)
    return direct - saved // BATCH


def _multiplications(placed: Placed) -> int:
    """Of the direct convolution, for a batch of BATCH segments."""
    return BATCH * layers.multiplications(placed)


@cache
def _best(placed: Placed) -> Partition:
    """The partition with the fewest multiplications."""
    _, n = _layer(placed).filter
    sizes = {-(-n // n_blocks) for n_blocks in range(1, n + 1)}
    candidates = [Partition(placed.output[2], size, -(-n // size)) for size in sorted(sizes)]
    return min(candidates, key=lambda candidate: candidate.multiplications(placed))


def _layer(placed: Placed) -> Convolution:
    assert isinstance(placed.layer, Convolution)
    return placed.layer
