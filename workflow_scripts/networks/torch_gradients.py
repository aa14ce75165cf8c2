"""The loss of the PyTorch engine and its gradients. The module requires only PyTorch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from workflow_scripts.networks.architecture import FACTORED


@dataclass(frozen=True)
class Gradients:
    """The gradients of a loss.

    `stored` has those of all trained arrays but FACTORED. `factors` of its gradient, if there is
    such a layer: the gradient at the layer's outputs, (segments, units), and the layer's inputs,
    (segments, inputs). With several members, each array has a first axis for them.
    """

    stored: dict[str, torch.Tensor]
    factors: tuple[torch.Tensor, torch.Tensor] | None


def mean_loss(
    scores: torch.Tensor, labels: torch.Tensor, class_weights: torch.Tensor | None
) -> torch.Tensor:
    """The mean categorical cross-entropy of a batch, each segment weighted by its class."""
    if class_weights is None:
        return functional.cross_entropy(scores, labels)
    # The option `weight` of cross_entropy would divide by the weights of each batch, so a batch of
    # one class would not be weighted at all.
    losses = functional.cross_entropy(scores, labels, reduction="none")
    return (losses * class_weights.index_select(0, labels)).mean()


def gradients_of(
    loss: torch.Tensor, trained: Mapping[str, torch.Tensor], hidden: Sequence[torch.Tensor]
) -> Gradients:
    """The gradients of the trained arrays; `hidden` as in `Forward`, empty without the layer."""
    stored = {name: array for name, array in trained.items() if name != FACTORED}
    if not hidden:
        gradients = torch.autograd.grad(loss, list(stored.values()))
        return Gradients(dict(zip(stored, gradients, strict=True)), None)
    of_layer, outputs = hidden
    *gradients, of_outputs = torch.autograd.grad(loss, [*stored.values(), outputs])
    factors = of_outputs, of_layer.detach()
    return Gradients(dict(zip(stored, gradients, strict=True)), factors)
