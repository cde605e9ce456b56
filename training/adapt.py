"""From a weights folder and somebody's own labels to a weights folder of their own; reads from top to bottom."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from data.rows import FeedbackRow, Split
from model.classifier import Classifier, load
from model.config import TrainedOn
from model.errors import InputError
from model.tokenizer import id_of
from training.adapted_folder import Adapted, write_folder
from training.batches import Encoded, encode, legible
from training.between import go_between, state_of
from training.blend import Blend
from training.finetune import Epochs, Settings, fine_tune, plan_epochs, row_losses
from training.folders import check_output, fresh_folder, legible_name, replace_folder
from training.lesson import Lesson, Say, make_lesson
from training.new_topics import add_topics
from training.recipe import Text
from training.rehearsal import Rehearsal, read_rehearsal, taught_as_before
from training.restore import Restored, restore
from training.sides import describe, divide
from training.standing import stand
from training.train import Plan

log = logging.getLogger(__name__)

_BEGUN = "begun.json"


@dataclass(frozen=True, slots=True)
class Own:
    """Somebody's own labels: rows whose `source` is the name of their file, and the split that each names, if any."""

    rows: Sequence[FeedbackRow]
    splits: Sequence[Split | None]


def adapt(
    base: Path,
    own: Own,
    *,
    output: Path,
    name: str,
    version: str,
    say: Say,
    settings: Settings | None = None,
    stop_after: int | None = None,
) -> dict[str, Any] | None:
    """Trains the weights of `base` a little further and writes the weights folder `output` at once.

    What it gives is what stands in the folder's `adaptation.json`. A run that was stopped goes on from the last
    checkpoint in `OUTPUT.work` beside the output, which is gone when the output is there. `stop_after` ends the run
    after that many steps, as an interruption would, and returns None.

    Raises:
        InputError: There is too little to learn from, or the output is no place for weights.
        WeightsError: `base` cannot be used.
    """
    settings = settings or Settings()
    _check_output(output, base)
    before = load(base, speed="full")
    lesson = _lesson(own, before, say)
    rehearsal = read_rehearsal(lesson.sides.all)
    restored = restore(base, dropout=settings.encoder.dropout)
    pad_id = id_of(restored.tokenizer, "<pad>")
    new_thresholds = add_topics(restored.network, lesson.new_topics, lesson.sides.train, base)
    epochs, validation = _plan(lesson, rehearsal, restored, before, settings)
    work = output.resolve().with_name(output.resolve().name + ".work")
    stopped_by = Plan(validation, [], [], []).fingerprint()
    begun = f"{before.info.sha256}, {settings.model_dump_json()}, {epochs.plan.fingerprint()}, {stopped_by}"
    _begin(work, begun, say)
    say(
        f"At most {settings.epochs} epochs of {epochs.ends[0]} steps over {len(lesson.sides.train):,} texts and "
        f"{epochs.rehearsed:,} to rehearse."
    )
    start = state_of(restored.network)
    losses = fine_tune(
        restored.network, epochs, validation, work=work, pad_id=pad_id, settings=settings, stop_after=stop_after
    )
    if losses is None:
        return None
    share = go_between(
        restored.network, start,
        lambda: row_losses(restored.network, validation, pad_id, settings.optimisation.tokens_per_batch),
    )  # fmt: skip
    say(
        f"Epoch {int(np.argmin(losses)) + 1} of {len(losses)} was the best on validation texts. {share:.0%} of the way "
        "there does them as much good and changes less elsewhere; writing the weights."
    )
    fresh = fresh_folder(output)
    known = before.info.config
    topics = {**known.thresholds.topics, **new_thresholds}
    config = known.model_copy(
        update={
            "name": name,
            "version": version,
            "trained_on": (*known.trained_on, *_sources(lesson)),
            "thresholds": known.thresholds.model_copy(update={"topics": topics}),
            # A small graph would still say what the weights before said.
            "speed": "full",
            "fast": None,
        }
    )
    adapted = Adapted(base, config, restored, lesson, rehearsal, settings)

    def record(blend: Blend, after: Classifier) -> dict[str, Any]:
        return {
            **_record(before, lesson, epochs, losses, blend),
            "own_share_of_weights": share,
            "beside_base": stand(before, after, lesson.sides.test).as_dict(),
            "elsewhere": stand(before, after, rehearsal.held_out).as_dict(),
        }

    adaptation = write_folder(fresh, adapted, record)
    replace_folder(output, fresh)
    shutil.rmtree(work)
    return adaptation


def _check_output(output: Path, base: Path) -> None:
    if output.resolve() == base.resolve():
        raise InputError(f"{output}: is the weights folder that training begins with; give --output another one")
    check_output(output)
    if not output.absolute().parent.is_dir():
        raise InputError(
            f"{output.absolute().parent}: there is no such folder; make it, or give --output another place"
        )


def _lesson(own: Own, before: Classifier, say: Say) -> Lesson:
    limit = before.info.config.limits.max_characters
    readable = [at for at, row in enumerate(own.rows) if legible(row.text, limit)]
    if len(readable) < len(own.rows):
        say(f"{len(own.rows) - len(readable):,} rows are left out: their text has no legible character.")
    sides = divide([own.rows[at] for at in readable], [own.splits[at] for at in readable])
    lesson = make_lesson(sides, before.info.config.topics, say)
    describe(lesson.sides, say)
    return lesson


def _plan(
    lesson: Lesson, rehearsal: Rehearsal, restored: Restored, before: Classifier, settings: Settings
) -> tuple[Epochs, Encoded]:
    """All that is learned, in its order, and the validation rows."""
    limits = before.info.config.limits
    text = Text(
        max_tokens=min(settings.max_tokens, restored.shape.positions), max_characters=max(32, limits.max_characters)
    )

    def encoded(rows: Sequence[FeedbackRow]) -> Encoded:
        return encode(rows, restored.tokenizer, text, {}, topics=lesson.topics)

    unlabelled = [replace(row, sentiment=None, angry=None, topics=None) for row in rehearsal.rows]
    rows = [*lesson.sides.train, *unlabelled]
    learned = encoded(rows)
    learned = replace(learned, taught=taught_as_before(learned, [row.text for row in rows], before))
    return plan_epochs(lesson.sides.train, unlabelled, learned, settings), encoded(lesson.sides.validation)


def _begin(work: Path, fingerprint: str, say: Say) -> None:
    """Makes the work folder, or finds that of the same run; what another run left there is thrown away aloud."""
    digest = hashlib.sha256(fingerprint.encode()).hexdigest()
    path = work / _BEGUN
    if work.exists():
        if path.exists() and path.read_text(encoding="utf-8") == digest:
            say(f"{work}: a run with the same texts and weights was stopped there; it goes on.")
            return
        if not path.exists() and any(work.iterdir()):
            raise InputError(f"{work}: is there and not of a training; move it away, or give --output another place")
        say(f"{work}: is of other texts, labels or weights; training begins anew.")
        shutil.rmtree(work)
    work.mkdir()
    path.write_text(digest, encoding="utf-8")


def _sources(lesson: Lesson) -> list[TrainedOn]:
    texts = Counter(legible_name(row.source) for row in lesson.sides.train)
    return [
        TrainedOn(name=name, title=f"own labels, {count} texts", licence="of its owner")
        for name, count in sorted(texts.items())
    ]


def _record(
    before: Classifier, lesson: Lesson, epochs: Epochs, losses: Sequence[float], blend: Blend
) -> dict[str, Any]:
    sides = lesson.sides
    return {
        "base": {**before.info.identity(), "sha256": before.info.sha256},
        "files": sorted({legible_name(row.source) for row in sides.all}),
        "texts": {"train": len(sides.train), "validation": len(sides.validation), "test": len(sides.test)},
        "splits_given": list(sides.given),
        "repeated_rows": sides.repeated,
        "contradicted_texts": sides.contradicted,
        "texts_on_two_sides": sides.moved,
        "labels": dict(Counter(row.label for row in sides.train)),
        "topics": dict(Counter(topic for row in sides.train for topic in row.topics or ())),
        "new_topics": list(lesson.new_topics),
        "rehearsed_each_epoch": epochs.rehearsed,
        "validation_losses": [round(loss, 4) for loss in losses],
        "best_epoch": int(np.argmin(losses)) + 1,
        "own_share_of_calibration": {name: round(share, 3) for name, share in blend.shares.items()},
    }
