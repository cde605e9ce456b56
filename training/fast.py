"""From a weights folder to the same weights with a small graph beside the full one; reads from top to bottom."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from data.mixing import draw
from data.rows import FeedbackRow
from model.classifier import Classifier, load
from model.config import Backend, Fast, Margins, WeightsConfig
from model.errors import InputError
from model.manifest import CONFIG, GRAPH, SMALL_GRAPH, write_manifest
from model.network import FeedbackNetwork
from model.tokenizer import id_of
from training.corpus import Corpus, calibration_rows, read_corpus
from training.distil import Lessons, Settings, distil, lessons
from training.embedding import Embedder
from training.folders import check_output, fresh_folder, replace_folder
from training.margins import choose_margins, figures
from training.readings import read_once
from training.recipe import Recipe
from training.restore import Restored, restore
from training.small_graph import share_table, small_graph
from training.speed_words import note_speed
from training.student import cut_student
from training.train import mixture_of

log = logging.getLogger(__name__)

_WATCHED_WINDOWS = 768


class Texts(BaseModel):
    """Which texts are read, by which backend: as many as are drawn, without those that come twice.

    A recipe's sources in `shares` have those shares, the others what is left, as in training.
    """

    model_config = ConfigDict(frozen=True)

    drawn: int = 260_000
    shares: dict[str, float] = {"annotated": 0.12, "annotations": 0.3, "written": 0.02, "unmarked": 0.01}
    seed: int = 7
    calibrate_on: tuple[str, ...] = ("annotated",)
    backend: Backend = "onnxruntime"


def teach_fast(
    weights: Path, recipe: Recipe, *, data_root: Path, work: Path, output: Path, settings: Settings, texts: Texts
) -> Fast:
    """Distils the weights into a small network and writes the folder `output` with both graphs, at once.

    What was read and learned is kept in `work`, and a run that was stopped goes on from there.

    Raises:
        InputError: the weights have topics of their own, which the small graph could not know, or too few layers, or
            no small graph to teach further; or the output is no place for weights.
        RecipeError, SourceError, WeightsError: the recipe, a source or the weights cannot be used.
    """
    check_output(output)
    teacher = load(weights, speed="full")
    config = teacher.info.config
    if config.own_topics:
        raise InputError(
            f"{weights}: has topics of its own, which a small graph cannot know; distil what they came from"
        )
    restored = restore(weights, dropout=0.0)
    if settings.further and not (weights / SMALL_GRAPH).is_file():
        raise InputError(f"{weights}: has no small graph to teach further; leave --further out to begin one")
    if not settings.further and max(settings.layers) >= restored.shape.layers:
        raise InputError(
            f"{weights}: has {restored.shape.layers} layers, and a small graph begins with layers "
            f"{', '.join(map(str, settings.layers))} (from 0 on); distil weights with more layers"
        )
    corpus = read_corpus(recipe, data_root)
    rows = calibration_rows(corpus, texts.calibrate_on, max_characters=config.limits.max_characters)
    learned_from = drawn_texts(corpus, recipe, texts)
    reader = Embedder(weights, backend=texts.backend)
    readings = read_once(learned_from, reader, work / f"{teacher.info.graph_sha256[:16]}-{texts.backend}")
    learned = lessons(
        learned_from, readings, restored.tokenizer,
        max_tokens=settings.max_tokens, max_characters=config.limits.max_characters,
    )  # fmt: skip
    pad_id = id_of(restored.tokenizer, "<pad>")
    if settings.further:
        student = restore(weights, dropout=0.0, graph=SMALL_GRAPH).network
    else:
        student = cut_student(restored.network, layers=settings.layers, inner=settings.inner)
    distil(student, learned, work=work, pad_id=pad_id, settings=settings)
    fresh = fresh_folder(output)
    _write_graphs(fresh, weights, student, restored, learned)
    found = set_margins(fresh, teacher, rows)
    replace_folder(output, fresh)
    return found


def drawn_texts(corpus: Corpus, recipe: Recipe, texts: Texts) -> list[str]:
    """Train texts, drawn like rows to train on, each once."""
    mixture = mixture_of(recipe, rows=texts.drawn, shares=texts.shares)
    return list(dict.fromkeys(corpus.train[at].text for at in draw(corpus.train, mixture, seed=texts.seed)))


def _write_graphs(folder: Path, weights: Path, student: FeedbackNetwork, restored: Restored, learned: Lessons) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(weights, folder)
    pad_id = id_of(restored.tokenizer, "<pad>")
    made = small_graph(student, restored.shape, learned.ids[:_WATCHED_WINDOWS], pad_id=pad_id)
    share_table(made, folder / GRAPH)
    (folder / SMALL_GRAPH).write_bytes(made.SerializeToString())


def set_margins(folder: Path, teacher: Classifier, rows: Sequence[FeedbackRow]) -> Fast:
    """Writes the margins, and beside them and in the card how the folder stands at both speeds with them."""
    config = teacher.info.config
    texts = [row.text for row in rows]
    full, kept = teacher.logits(texts)
    rows = [rows[at] for at in kept]
    alone = figures(full, rows, config)
    # With margins of nothing the small graph answers everything, and so can be heard alone.
    _write_config(folder, config, Fast(margins=Margins(moods=0, topics=0), passed_on=0, full=alone, fast=alone))
    small, _ = load(folder, speed="fast").logits(texts)
    found = choose_margins(full, small, rows, config)
    _write_config(folder, config, found)
    # Long texts are read in windows, each of which is passed on by itself.
    both, _ = load(folder, speed="fast").logits(texts)
    found = found.model_copy(update={"fast": figures(both, rows, config)})
    _write_config(folder, config, found)
    note_speed(folder)
    write_manifest(folder)
    return found


def _write_config(folder: Path, config: WeightsConfig, fast: Fast) -> None:
    config = config.model_copy(update={"fast": fast})
    (folder / CONFIG).write_text(config.model_dump_json(indent=1) + "\n", encoding="utf-8")
    write_manifest(folder)
