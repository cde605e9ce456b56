"""Writes a network of another shape, with random weights, as its users have it on disk:

    python -m benchmarks.speed.peer_networks SHAPE FOLDER

`FOLDER/torch` is what a pipeline of transformers loads, `FOLDER/int8.onnx` the same through onnxruntime's dynamic
quantisation. The time of a matrix product does not depend on what is in it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from benchmarks.batch.contestants import distilbert_multilingual, pipeline_tokenizer, xlm_r_base
from benchmarks.speed.networks import export_onnx

TORCH, INT8 = "torch", "int8.onnx"


def mbert_base() -> Any:
    """A network of multilingual BERT base's shape; Rida's 120,000 pieces in place of its 119,547."""
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(  # type: ignore[call-arg]  # PreTrainedConfig takes num_labels
        vocab_size=120_000, hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072,
        max_position_embeddings=512, pad_token_id=1, num_labels=4,
    )  # fmt: skip
    return BertForSequenceClassification(config)


SHAPES = {"XLM-R base": xlm_r_base, "mBERT base": mbert_base, "DistilBERT multilingual": distilbert_multilingual}


class LogitsAlone(nn.Module):
    """A classifier of transformers that gives a tensor, which can be traced."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """(batch, labels)."""
        found: Tensor = self.network(input_ids=input_ids, attention_mask=attention_mask).logits
        return found


def write(shape: str, folder: Path) -> None:
    """Both forms, with Rida's tokenizer: the others' own are not at hand."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    network = SHAPES[shape]().eval()
    network.save_pretrained(folder / TORCH)
    pipeline_tokenizer().save_pretrained(folder / TORCH)
    plain = folder / "plain.onnx"
    export_onnx(LogitsAlone(network), plain)
    del network
    quantize_dynamic(plain, folder / INT8, weight_type=QuantType.QInt8, per_channel=True)
    plain.unlink()


if __name__ == "__main__":
    write(sys.argv[1], Path(sys.argv[2]))
