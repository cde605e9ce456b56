"""Which matrices of a network can be multiplied as integers without its answers changing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from model.network import FeedbackNetwork
from training.activations import modules_of
from training.quantise import QuantisedMatrix
from training.reference import padded_batches

_TOKENS_PER_BATCH = 512
"""All that a micro-batch goes through is kept for the way back: a third of a megabyte a token of a small encoder."""

_DIRECTIONS = 4
"""Random directions of the logits that each window is asked about: the more, the less chance there is in it."""


def logit_changes(
    network: FeedbackNetwork,
    quantised: Mapping[str, QuantisedMatrix],
    windows: Sequence[Sequence[int]],
    *,
    pad_id: int,
) -> dict[str, float]:
    """About the mean square change of the logits on `windows` when one matrix alone is multiplied as integers.

    Errors of single products do not tell it: what a layer does wrong, later ones may amplify or ignore. How much of it
    reaches the logits, to first order, their gradient at the matrix's product says, for all matrices in the same run:
    the square of its inner product with the error, where the logits are summed with random signs, is on average the
    sum of the squares of their changes (Hutchinson 1990, https://doi.org/10.1080/03610919008812866).
    """
    if not quantised:
        return {}
    network.eval()
    squares = dict.fromkeys(quantised, 0.0)
    chance = torch.Generator().manual_seed(0)
    logits = 0
    with _without_gradients_of_weights(network):
        for _, input_ids, mask in padded_batches(windows, pad_id=pad_id, tokens=_TOKENS_PER_BATCH):
            with _changes_noted(network, quantised) as changes:
                said = network(input_ids, mask)
                joined = torch.cat([said.satisfaction, said.anger[:, None], said.topics], dim=1)
                logits = joined.shape[1]
                for left in reversed(range(_DIRECTIONS)):
                    signs = torch.randint(0, 2, joined.shape, generator=chance) * 2.0 - 1
                    (joined * signs).sum().backward(retain_graph=left > 0)  # type: ignore[no-untyped-call]
                    for name in quantised:
                        squares[name] += float(changes.pop(name).square().sum())
    return {name: found / (_DIRECTIONS * len(windows) * logits) for name, found in squares.items()}


@contextlib.contextmanager
def _without_gradients_of_weights(network: nn.Module) -> Iterator[None]:
    trained = [weights for weights in network.parameters() if weights.requires_grad]
    network.requires_grad_(False)
    try:
        yield
    finally:
        for weights in trained:
            weights.requires_grad_()


@contextlib.contextmanager
def _changes_noted(network: FeedbackNetwork, quantised: Mapping[str, QuantisedMatrix]) -> Iterator[dict[str, Tensor]]:
    """Notes on each way back what the error of each matrix's product changes, (windows,)."""
    changes: dict[str, Tensor] = {}

    def noting(name: str, at: int, of: int) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
        def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            given, bias = inputs[0].detach(), module.get_parameter("bias")
            made = quantised[name].part(at, of).product(given.flatten(0, 1).numpy())
            error = torch.from_numpy(made).view_as(output) - (output.detach() - bias)
            # Nothing before the first matrix asks for gradients.
            output = output if output.requires_grad else output.detach().requires_grad_()

            def weigh(gradient: Tensor) -> None:
                change = (gradient * error).sum(dim=(1, 2))
                changes[name] = changes[name] + change if name in changes else change

            output.register_hook(weigh)  # type: ignore[no-untyped-call]
            return output

        return note

    hooks = [
        module.register_forward_hook(noting(name, at, len(modules)))
        for name, modules in modules_of(network).items()
        if name in quantised
        for at, module in enumerate(modules)
    ]
    try:
        yield changes
    finally:
        for hook in hooks:
            hook.remove()
