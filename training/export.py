"""From a trained network to a weights folder: trimmed, quantised, compared, calibrated, written at once."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from tokenizers import Tokenizer

from data.mixing import Mixture, draw
from data.rows import FeedbackRow
from model.calibration import HeadLogits
from model.classifier import load
from model.config import Biases, Languages, Limits, Temperatures, Thresholds, TrainedOn, WeightsConfig
from model.errors import WeightsError
from model.labels import FIRST_CLASS_LANGUAGES, MOODS, TOPICS
from model.manifest import CONFIG, GRAPH, TOKENIZER, write_manifest
from model.network import FeedbackNetwork, load_network
from model.tokenizer import id_of, read_tokenizer
from training.activations import watch_inputs
from training.batches import legible
from training.card import write_card
from training.comparison import Comparison, compare
from training.corpus import Corpus, calibration_rows, read_corpus
from training.fit import fit_calibration, fit_thresholds
from training.folders import fresh_folder, replace_folder
from training.graph import Shape, build_graph, matrix_names, matrix_of
from training.quantise import Floats, quantised_matrix
from training.recipe import Recipe
from training.reference import padded_batches, torch_logits, windows_of
from training.sensitivity import logit_changes
from training.vocabulary import count_pieces, trim

log = logging.getLogger(__name__)

COMPARISON = "comparison.json"

# Shares of the matrices, those that change the logits most first, to multiply in float32 (exact and slow)
# until the network's answers are kept.
FLOAT_SHARES = (0.0, 0.125, 0.25, 0.375, 0.5, 0.75, 1.0)
_MIN_TEXTS_OF_A_LANGUAGE = 500


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """What an export may vary; the defaults made the shipped weights."""

    version: str = "0.1.0"
    pieces: int = 120_000
    watched_texts: int = 768
    probed_texts: int = 192
    max_tokens: int = 2048
    window_tokens: int = 128
    tokens_per_batch: int = 256
    max_characters: int = 20_000
    calibrate_on: tuple[str, ...] = ("annotated",)


def export(network_folder: Path, *, data_root: Path, output: Path, settings: ExportSettings) -> None:
    """Writes the weights folder `output`; one that is there already is replaced once the new one is whole.

    Raises:
        WeightsError: the folder holds no finished network, or one that cannot be exported.
        RecipeError, SourceError: the data for calibration is missing.
    """
    network = load_network(network_folder)
    recipe = recipe_of(network_folder)
    tokenizer = read_tokenizer(network_folder / TOKENIZER)
    corpus = read_corpus(recipe, data_root)
    calibration = calibration_rows(corpus, settings.calibrate_on, max_characters=settings.max_characters)
    counts = count_pieces(tokenizer, [legible(row.text, settings.max_characters) for row in corpus.train])
    vocabulary = trim(tokenizer, counts, pieces=settings.pieces)
    weights, shape = _tensors(network, vocabulary.original_ids), _shape(network, settings)
    texts = _texts_like_training(corpus, recipe, settings)
    inputs = _seen_inputs(network, tokenizer, texts, settings)
    quantised = {name: quantised_matrix(matrix_of(weights, name)[0], inputs[name]) for name in matrix_names(shape)}
    log.info("quantised; looking which matrices the answers depend on")
    probes = [windows[0] for windows in _windows(texts[: settings.probed_texts], tokenizer, settings)]
    changes = logit_changes(network, quantised, probes, pad_id=id_of(tokenizer, "<pad>"))
    by_change = sorted(changes, key=lambda name: changes[name], reverse=True)
    reference = _reference(network, tokenizer, calibration, settings)

    fresh = fresh_folder(output)
    for share in FLOAT_SHARES:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        in_float = by_change[: round(share * len(by_change))]
        vocabulary.tokenizer.save(str(fresh / TOKENIZER), pretty=False)
        graph = build_graph(weights, shape, {name: made for name, made in quantised.items() if name not in in_float})
        (fresh / GRAPH).write_bytes(graph.SerializeToString())
        comparison = _calibrate(fresh, reference, calibration, corpus, recipe, settings)
        log.info("%d of %d matrices in float32: %s", len(in_float), len(by_change), comparison.summary())
        if comparison.keeps_answers():
            break
    else:
        log.warning("even float32 does not keep the network's answers as it should; the card says so")
    record = {"matrices": len(by_change), "in_float32": in_float, "kept": comparison.keeps_answers()}
    record |= asdict(comparison)
    (fresh / COMPARISON).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    write_card(fresh, evaluations=[])
    write_manifest(fresh)
    replace_folder(output, fresh)


def recipe_of(folder: Path) -> Recipe:
    """The recipe that a finished network was trained by.

    Raises:
        WeightsError: the folder does not hold it.
    """
    path = folder / "recipe.json"
    try:
        return Recipe.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path}: cannot be read as the network's recipe ({error})") from error


def _texts_like_training(corpus: Corpus, recipe: Recipe, settings: ExportSettings) -> list[str]:
    """Train texts drawn like those of the last stage."""
    mixture = Mixture(rows=settings.watched_texts, shares=recipe.stages[-1].shares)
    drawn = (corpus.train[at] for at in draw(corpus.train, mixture, seed=recipe.optimisation.seed))
    return [row.text for row in drawn if legible(row.text, settings.max_characters)]


def _windows(texts: Sequence[str], tokenizer: Tokenizer, settings: ExportSettings) -> list[list[list[int]]]:
    limits = {name: getattr(settings, name) for name in ("window_tokens", "max_tokens", "max_characters")}
    return windows_of(texts, tokenizer, **limits)


def _seen_inputs(
    network: FeedbackNetwork, tokenizer: Tokenizer, texts: Sequence[str], settings: ExportSettings
) -> dict[str, Floats]:
    parts = [window for windows in _windows(texts, tokenizer, settings) for window in windows]
    batches = padded_batches(parts, pad_id=id_of(tokenizer, "<pad>"))
    return watch_inputs(network.eval(), ((input_ids, mask) for _, input_ids, mask in batches))


def _tensors(network: FeedbackNetwork, original_ids: Any) -> dict[str, Any]:
    table = "encoder.embeddings.word_embeddings.weight"
    tensors = network.arrays()
    return {**tensors, table: tensors[table][original_ids]}


def _shape(network: FeedbackNetwork, settings: ExportSettings) -> Shape:
    config = cast(Any, network.encoder).config
    if config.model_type != "bert" or config.hidden_act != "gelu":
        raise WeightsError(
            f"an encoder of type {config.model_type!r} with {config.hidden_act!r} cannot be exported; "
            "use a BERT encoder with gelu, such as multilingual-e5-small"
        )
    return Shape(
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        heads=config.num_attention_heads,
        positions=settings.window_tokens,
        epsilon=config.layer_norm_eps,
    )


def _reference(
    network: FeedbackNetwork, tokenizer: Tokenizer, rows: Sequence[FeedbackRow], settings: ExportSettings
) -> HeadLogits:
    of_texts = _windows([row.text for row in rows], tokenizer, settings)
    return torch_logits(network, of_texts, pad_id=id_of(tokenizer, "<pad>"))


def _calibrate(
    folder: Path, reference: HeadLogits, rows: list[FeedbackRow], corpus: Corpus, recipe: Recipe,
    settings: ExportSettings,
) -> Comparison:  # fmt: skip
    """Fits what `config.json` holds on the exported graph's own logits, and compares them with torch's."""
    config = WeightsConfig(
        format=1,
        name=recipe.name,
        version=settings.version,
        moods=MOODS,
        topics=TOPICS,
        languages=_languages(corpus),
        limits=Limits(
            max_characters=settings.max_characters,
            max_tokens=settings.max_tokens,
            window_tokens=settings.window_tokens,
            tokens_per_batch=settings.tokens_per_batch,
        ),
        temperatures=Temperatures(),
        biases=Biases(),
        thresholds=Thresholds(angry=0.5, needs_review=0.5, topics=dict.fromkeys(TOPICS, 0.5)),
        teacher=None if recipe.teacher is None else recipe.teacher.sha256,
        trained_on=tuple(TrainedOn(name=c.name, title=c.title, licence=c.licence) for c in corpus.cards),
        encoder=recipe.encoder.name,
        validation_share=recipe.data.validation_share,
        recipe_sha256=recipe.fingerprint(),
    )
    _write_config(folder, config)
    write_manifest(folder)
    heads, kept = load(folder).logits([row.text for row in rows])
    rows = [rows[at] for at in kept]
    calibration = fit_calibration(heads, rows)
    thresholds = fit_thresholds(heads, rows, calibration)
    config = config.model_copy(update={**calibration._asdict(), "thresholds": thresholds})
    _write_config(folder, config)
    reference = HeadLogits(*(logits[np.array(kept)] for logits in reference))
    return compare(heads, reference, rows, calibration, thresholds)


def _write_config(folder: Path, config: WeightsConfig) -> None:
    (folder / CONFIG).write_text(config.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _languages(corpus: Corpus) -> Languages:
    """First-class ones, and those with enough texts to learn from and some held out to measure."""
    trained = _counts(corpus.train)
    held_out = _counts(corpus.validation)
    supported = sorted(
        lang
        for lang, texts in trained.items()
        if texts >= _MIN_TEXTS_OF_A_LANGUAGE and lang in held_out and lang not in FIRST_CLASS_LANGUAGES
    )
    return Languages(first_class=FIRST_CLASS_LANGUAGES, supported=tuple(supported))


def _counts(rows: Sequence[FeedbackRow]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.lang] = counts.get(row.lang, 0) + 1
    return counts
