"""The network: one encoder, mean pooling, and a linear head each for satisfaction, anger, topics and own topics.

Needs torch and transformers; scoring runs the exported graph and imports neither.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer

from model.errors import WeightsError
from model.labels import SATISFACTION, TOPICS
from model.layers import feature_layers

WEIGHTS_FILE = "network.safetensors"


class Logits(NamedTuple):
    """Raw scores of a batch: satisfaction (batch, 3), anger (batch,), topics (batch, topics)."""

    satisfaction: Tensor
    anger: Tensor
    topics: Tensor


class FeedbackNetwork(nn.Module):
    """Encoder with heads; those of own topics look at several layers (`model.layers`), all others at the last.

    The heads are linear on the mean of the last hidden states, so that the token-weighted mean of the
    logits of a long text's windows equals the logits of its mean over all windows.
    """

    def __init__(self, encoder: nn.Module, *, head_dropout: float = 0.0, own_topics: int = 0) -> None:
        super().__init__()
        self.encoder = encoder
        width = cast(Any, encoder).config.hidden_size
        self.head_dropout = nn.Dropout(head_dropout)
        self.satisfaction = nn.Linear(width, len(SATISFACTION))
        self.anger = nn.Linear(width, 1)
        self.topics = nn.Linear(width, len(TOPICS))
        self.feature_layers = feature_layers(cast(Any, encoder).config.num_hidden_layers)
        self.own = nn.Linear(width * len(self.feature_layers), own_topics) if own_topics else None

    @property
    def topic_count(self) -> int:
        """How many topics there are, own ones among them."""
        return self.topics.out_features + (0 if self.own is None else self.own.out_features)

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """All weights by their torch names, as a graph is built of them."""
        return {name: value.detach().float().numpy() for name, value in self.state_dict().items()}

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Logits:
        """Scores a padded batch; both arguments are (batch, length), the mask 1 on real pieces."""
        return self.read(input_ids, attention_mask)[1]

    def read(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Logits]:
        """The mean of the last hidden states, (batch, width), and what the heads say of it."""
        read = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=self.own is not None
        )
        # Pooling and heads in float32: a mean of bfloat16 loses what a threshold decides on.
        with torch.autocast(input_ids.device.type, enabled=False):
            mask = attention_mask.unsqueeze(-1).to(torch.float32)

            def pooled(hidden: Tensor) -> Tensor:
                mean = (hidden.float() * mask).sum(dim=1) / mask.sum(dim=1)
                return cast(Tensor, self.head_dropout(mean))

            last = pooled(read.last_hidden_state)
            topics = self.topics(last)
            if self.own is not None:
                # The first of the hidden states are the embeddings, which are layer -1.
                earlier = [pooled(read.hidden_states[layer + 1]) for layer in self.feature_layers[:-1]]
                topics = torch.cat([topics, self.own(torch.cat([*earlier, last], dim=1))], dim=1)
            return last, Logits(self.satisfaction(last), self.anger(last).squeeze(-1), topics)


def new_network(encoder: str, *, dropout: float, head_dropout: float) -> FeedbackNetwork:
    """Puts fresh heads on a pretrained encoder, given by folder or hub name.

    Raises:
        WeightsError: the encoder cannot be loaded.
    """
    try:
        config = AutoConfig.from_pretrained(encoder)
        config.hidden_dropout_prob = dropout
        config.attention_probs_dropout_prob = 0.0
        body = AutoModel.from_pretrained(encoder, config=config, add_pooling_layer=False, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"encoder {encoder!r} cannot be loaded: {error}. Give a Hugging Face folder or a hub name."
        ) from error
    return FeedbackNetwork(body, head_dropout=head_dropout)


def save_network(network: FeedbackNetwork, encoder: str, folder: Path) -> None:
    """Writes a folder that `load_network` reads: weights, configuration and tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    cast(Any, network.encoder).config.save_pretrained(folder)
    AutoTokenizer.from_pretrained(encoder).save_pretrained(folder)
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    fresh = folder / (WEIGHTS_FILE + ".tmp")
    save_file(state, fresh)
    fresh.replace(folder / WEIGHTS_FILE)


def load_network(folder: Path) -> FeedbackNetwork:
    """Reads a trained network.

    Raises:
        WeightsError: the folder is not one that `save_network` wrote.
    """
    path = folder / WEIGHTS_FILE
    if not path.exists() or not (folder / "config.json").exists():
        raise WeightsError(f"{folder}: no {WEIGHTS_FILE} there; give a folder that `rida train` finished")
    config = AutoConfig.from_pretrained(folder)
    body = AutoModel.from_config(config, add_pooling_layer=False)  # type: ignore[no-untyped-call]
    network = FeedbackNetwork(body)
    try:
        network.load_state_dict(load_file(path))
    except (RuntimeError, OSError, SafetensorError) as error:
        raise WeightsError(f"{path}: does not fit its config.json ({error})") from error
    return network.eval()
