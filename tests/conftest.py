"""Fixtures that every test may use: a tiny encoder, sources, and weights, all made on the spot."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from model.classifier import Classifier, load
from model.config import Fast, Margins, SpeedFigures, read_config
from model.labels import TOPICS
from model.manifest import CONFIG, GRAPH, SMALL_GRAPH, write_manifest

if TYPE_CHECKING:
    from training.recipe import Recipe

_PRAISE = {
    "en": "great {} thanks",
    "ar": "{} ممتاز شكرا",
    "fa": "{} عالی بود ممنون",
    "vi": "{} rất tốt cảm ơn",
}
_PLAIN = {
    "en": "what are the hours of {}",
    "ar": "ما هي مواعيد {}",
    "fa": "ساعت کار {} چیست",
    "vi": "{} mở cửa lúc nào",
}
_COMPLAINT = {"en": "the {} was late and broken", "ar": "{} تأخر وكان مكسورا", "fa": "{} دیر رسید و خراب بود",
              "vi": "{} giao trễ và bị hỏng"}  # fmt: skip
_ANGER = {"en": "you thieves the {} is a scam!!!", "ar": "لصوص {} نصب!!!", "fa": "دزدها {} کلاهبرداری است!!!",
          "vi": "đồ lừa đảo {} quá tệ!!!"}  # fmt: skip
OWN_TOPICS = ("lost parcel", "فاتورة خاطئة")
"""The own topics of `own_topics_weights`: angry texts speak of the first, unhappy ones of the second."""
_THINGS = ("parcel", "refund", "app", "room", "agent", "price", "invoice", "warranty")


def feedback_rows(seed: int = 1) -> list[dict[str, Any]]:
    """A few hundred rows in the annotated format, easy enough for a tiny network to learn."""
    chance = random.Random(seed)
    rows = []
    moods = (("satisfied", _PRAISE), ("neutral", _PLAIN), ("dissatisfied", _COMPLAINT), ("angry", _ANGER))
    for number, ((mood, patterns), lang, thing) in enumerate(
        itertools.chain.from_iterable(itertools.repeat(c, 3) for c in itertools.product(moods, _PRAISE, _THINGS))
    ):
        text = patterns[lang].format(f"{thing} {chance.randrange(1000)}")
        topics = ["delivery"] if thing == "parcel" else ["billing"] if thing in ("refund", "invoice") else []
        rows.append({"id": f"r{number}", "text": text, "lang": lang, "mood": mood, "topics": topics})
    return rows


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Writes rows as gzipped JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with an annotated source and one of another kind, whose card limits its topics."""
    root = tmp_path_factory.mktemp("sources")
    write_rows(root / "annotated" / "train.jsonl.gz", feedback_rows())
    write_rows(root / "annotated" / "test.jsonl.gz", feedback_rows(seed=2)[::5])
    stars = [
        {"id": f"s{number}", "text": text, "lang": "en", "split": split, "rating": rating,
         "sentiment": sentiment, "angry": None, "topics": topics, "raw": raw}
        for number, (text, split, rating, sentiment, topics, raw) in enumerate(
            [(f"lovely shop number {at}", "train", "5", "satisfied", ["price"], ["a"]) for at in range(20)]
            + [(f"broken thing number {at}", "train", 1, "dissatisfied", [], {"b": 1}) for at in range(20)]
            + [(f"held out {at}", "validation", None, "neutral", None, None) for at in range(5)]
        )
    ]  # fmt: skip
    write_rows(root / "stars" / "data.jsonl.gz", stars)
    card = {"name": "stars", "title": "Stars", "licence": "CC BY-NC-SA 4.0", "topics_covered": ["price"]}
    (root / "stars" / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hugging Face folder with a two-layer BERT of random weights and a Unigram tokenizer."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("encoder")
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    texts = [row["text"] for row in feedback_rows()] + ["abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 😡 ok"]
    trainer = trainers.UnigramTrainer(vocab_size=400, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=64, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=128, max_position_embeddings=64, pad_token_id=1,
    )  # fmt: skip
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


def tiny_recipe(**changes: Any) -> Recipe:
    """A recipe that trains the tiny encoder in a second."""
    from training.recipe import Recipe

    content: dict[str, Any] = {
        "name": "tiny",
        "encoder": {"name": "tiny-encoder", "freeze_embeddings": False},
        "text": {"max_tokens": 48},
        "sources": [{"name": "annotated"}, {"name": "stars", "trust": 0.5}],
        "stages": [{"rows": 2000, "shares": {"annotated": 0.9}}],
        "optimisation": {
            "encoder_rate": 2e-3, "head_rate": 1e-2, "tokens_per_batch": 512, "precision": "float32",
            "checkpoint_every": 10, "log_every": 5,
        },
    }  # fmt: skip
    return Recipe.model_validate(content | changes)


@pytest.fixture(scope="session")
def tiny_network(tiny_encoder: Path, data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny network, trained to the end."""
    from training.train import train

    folder = train(tiny_recipe(), data_root=data_root, output=tmp_path_factory.mktemp("run"), encoder=str(tiny_encoder))
    assert folder is not None
    return folder


@pytest.fixture(scope="session")
def tiny_weights(tiny_network: Path, data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights folder exported from the tiny network; never change it, copy it."""
    from training.export import ExportSettings, export

    output = tmp_path_factory.mktemp("weights") / "tiny"
    settings = ExportSettings(pieces=300, watched_texts=64, window_tokens=32, max_tokens=128, tokens_per_batch=256)
    export(tiny_network, data_root=data_root, output=output, settings=settings)
    return output


@pytest.fixture(scope="session")
def tiny_classifier(tiny_weights: Path) -> Classifier:
    """The classifier of the tiny weights."""
    return load(tiny_weights, threads=2)


@pytest.fixture(scope="session")
def own_topics_weights(tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny weights with OWN_TOPICS, whose heads are those of anger, and of unhappy against satisfied."""
    import numpy as np
    from onnx import numpy_helper

    from training.own_heads import set_own_heads
    from training.pooled import read_graph

    folder = tmp_path_factory.mktemp("weights") / "own"
    shutil.copytree(tiny_weights, folder)
    model = read_graph(folder / GRAPH)
    constants = {constant.name: numpy_helper.to_array(constant) for constant in model.graph.initializer}
    heads = np.zeros((4 + len(TOPICS), len(OWN_TOPICS)), dtype=np.float32)
    heads[[3, 2, 0], [0, 1, 1]] = 1, 1, -1
    of_last = constants["heads.w"] @ heads
    set_own_heads(model, np.concatenate([np.zeros_like(of_last)] * 2 + [of_last]), constants["heads.b"] @ heads)
    (folder / GRAPH).write_bytes(model.SerializeToString())
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    config["topics"] += OWN_TOPICS
    config["thresholds"]["topics"] |= dict.fromkeys(OWN_TOPICS, 0.5)
    (folder / CONFIG).write_text(json.dumps(config, ensure_ascii=False), encoding="utf-8")
    write_manifest(folder)
    return folder


@pytest.fixture(scope="session")
def own_topics_classifier(own_topics_weights: Path) -> Classifier:
    """The classifier of the tiny weights with own topics."""
    return load(own_topics_weights, threads=2)


@pytest.fixture(scope="session")
def fast_weights(tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny weights with a small graph of one layer, which is not always sure."""
    from training.restore import restore
    from training.small_graph import share_table, small_graph
    from training.student import cut_student

    folder = tmp_path_factory.mktemp("weights") / "fast"
    shutil.copytree(tiny_weights, folder)
    restored = restore(folder, dropout=0.0)
    restored.tokenizer.no_padding()
    windows = [each.ids for each in restored.tokenizer.encode_batch([row["text"] for row in feedback_rows()[:64]])]
    graph = small_graph(cut_student(restored.network, layers=(0,), inner=96), restored.shape, windows, pad_id=1)
    share_table(graph, folder / GRAPH)
    (folder / SMALL_GRAPH).write_bytes(graph.SerializeToString())
    nothing = SpeedFigures(mood_macro_f1={}, topic_micro_f1={}, angry_recall_at_5={})
    fast = Fast(margins=Margins(moods=1.0, topics=0.2), passed_on=0.5, full=nothing, fast=nothing)
    config = read_config(folder / CONFIG).model_copy(update={"fast": fast})
    (folder / CONFIG).write_text(config.model_dump_json(), encoding="utf-8")
    write_manifest(folder)
    return folder
