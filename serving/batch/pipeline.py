"""Scoring parts one after the other: while the model works on one, the next is read and cut into windows."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from model.errors import InputError
from model.prediction import Prediction, Rejection
from serving.batch.ahead import ahead
from serving.batch.parts import Part, as_texts, digest
from serving.batch.repeats import Planned, Repeats
from serving.batch.results import Result, unpacked
from serving.tables.added import added_values
from serving.tables.table import Row

if TYPE_CHECKING:
    from model.classifier import ModelInfo

_PARTS_AHEAD: Final = 2


class Started(Protocol):
    """Texts that are being scored."""

    def predictions(self) -> list[Prediction | Rejection]:
        """Wait for the results, in the order of the texts."""

    def cancel(self) -> None:
        """Give up what has not been scored yet."""


class Classifier(Protocol):
    """What scoring needs of a classifier."""

    @property
    def info(self) -> ModelInfo:
        """Which weights these are."""

    def start(self, texts: Sequence[object]) -> Started:
        """Begin to score texts and return."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """A part under way; `started` is None where its results are known from the journal."""

    part: Part
    planned: Planned
    started: Started | None

    def cancel(self) -> None:
        if self.started is not None:
            self.started.cancel()


def scored(
    parts: Iterator[Part], classifier: Classifier, *, known: Iterable[bytes] = (), overlap: bool = True
) -> Generator[tuple[Part, list[Result]]]:
    """Score parts, and give each with its results.

    The first parts are those whose results are `known`; they are read and not given. Where nothing may `overlap`,
    a part is not read before the one before it was taken.

    Raises:
        InputError: The known results are not those of these texts.
    """
    begun = _begun(parts, classifier, iter(known))
    if overlap:
        begun = ahead(begun, limit=_PARTS_AHEAD, drop=_Begun.cancel)
    with closing(begun):
        for each in begun:
            if each.started is not None:
                try:
                    each.planned.fill(each.started.predictions())
                except BaseException:
                    each.cancel()
                    raise
                yield each.part, each.planned.results()


def _begun(parts: Iterator[Part], classifier: Classifier, known: Iterator[bytes]) -> Generator[_Begun]:
    repeats = Repeats()
    for part in parts:
        texts = part.texts()
        planned = repeats.plan(texts, part.rejected())
        content = next(known, None)
        if content is None:
            yield _Begun(part, planned, classifier.start(planned.fresh))
        else:
            results = results_of(content, texts)
            planned.fill([results[row] for row in planned.fresh_rows])
            yield _Begun(part, planned, None)


def results_of(content: bytes, texts: Sequence[object]) -> list[Result]:
    """Results from a journal, which must be those of these texts. Raises InputError where they are not."""
    whose, results = unpacked(content)
    if whose != digest(texts):
        raise InputError(
            "The journal of the run before has the results of other texts. Run the command again with --restart."
        )
    return results


def scored_cells(
    classifier: Classifier, cells: Sequence[object], rejected: Mapping[int, Rejection] | None = None
) -> list[Row]:
    """The added columns (`serving.tables.added.ADDED`) of each cell, in order, for engines that hand over rows.

    A text that stands in several cells is scored once. A cell that cannot be scored has nothing but its `error`; so has
    each that is `rejected` already, by its index.
    """
    planned = Repeats().plan(as_texts(cells), rejected or {})
    planned.fill(classifier.start(planned.fresh).predictions())
    return [added_values(result) for result in planned.results()]
