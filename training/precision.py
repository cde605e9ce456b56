"""Which arithmetic training runs in, and the attention that is fast in it."""

from __future__ import annotations

import contextlib
from typing import Any, Literal, cast

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from model.network import FeedbackNetwork

_FLOAT32_ATTENTION = "sdpa_float32"


def bfloat16_pays(precision: Literal["auto", "float32", "bfloat16"], device: torch.device) -> bool:
    """Whether to multiply matrices in bfloat16: as the recipe says, or where the hardware does it natively."""
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def autocast(device: torch.device, *, bfloat16: bool) -> contextlib.AbstractContextManager[Any]:
    """The context in which the network's forward pass runs."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16)


def use_float32_attention(network: FeedbackNetwork) -> None:
    """Lets attention alone run in float32.

    The backward pass of torch's fused attention is five times slower in bfloat16 than in float32 on
    CPUs (torch 2.13, AVX-512), a third of a whole training step.
    """
    AttentionInterface.register(_FLOAT32_ATTENTION, _float32_attention)
    AttentionMaskInterface.register(_FLOAT32_ATTENTION, sdpa_mask)
    cast(Any, network.encoder).set_attn_implementation(_FLOAT32_ATTENTION)


def _float32_attention(
    module: torch.nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    with torch.autocast(query.device.type, enabled=False):
        attended, _ = sdpa_attention_forward(module, query.float(), key.float(), value.float(), mask, **options)
    return attended.to(query.dtype), None
