"""Batch scoring: the rows of one or more files to one output, in order, in flat memory, losing no work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Final, Protocol

from model.errors import InputError
from model.labels import MOODS, Mood
from model.prediction import Prediction, Rejection
from serving.batch.job import CannotGoOnError, Inputs, Job, differences, fingerprint, foreseen
from serving.batch.journal import Journal, journal_of, opened_journal
from serving.batch.look import look_through
from serving.batch.parts import Part, digest, read_parts
from serving.batch.pipeline import Classifier, results_of, scored
from serving.batch.results import Result, packed
from serving.tables.added import added_values
from serving.tables.files import check_writable, create_table, format_of, writing
from serving.tables.inputs import expanded
from serving.tables.progress import Show, shown_progress
from serving.tables.source import PIPE, check_file
from serving.tables.table import Say, Writer

_FIRST_FEW: Final = 3
_OTHER_ROWS: Final = (
    "The journal has the results of other rows than are read now. Run the command again with --restart."
)


class Watcher(Protocol):
    """Whoever wants to see every row with its result."""

    def watch(self, ids: Sequence[str], texts: Sequence[object], results: Sequence[Result]) -> None:
        """Take some rows, in input order."""


@dataclass(slots=True)
class ScoreSummary:
    """What a run did. `rejections` are the first few of the `errors` rows that could not be scored.

    `resumed` of the rows were scored by a run before, which was stopped; `seconds` are this one's.
    """

    rows: int = 0
    resumed: int = 0
    errors: int = 0
    tokens: int = 0
    seconds: float = 0.0
    moods: dict[Mood, int] = field(default_factory=lambda: dict.fromkeys(MOODS, 0))
    rejections: list[Rejection] = field(default_factory=list)

    def watch(self, ids: Sequence[str], texts: Sequence[object], results: Sequence[Result]) -> None:
        """Count some rows."""
        self.rows += len(results)
        for id_, result in zip(ids, results, strict=True):
            if isinstance(result, Prediction):
                self.moods[result.mood] += 1
                self.tokens += result.tokens
            else:
                self.errors += 1
                if len(self.rejections) < _FIRST_FEW:
                    self.rejections.append(Rejection(id_, result.code, result.message))


def score(  # noqa: PLR0913  (one keyword for each option of the command)
    inputs: Sequence[str],
    output: str,
    *,
    classifier: Classifier,
    text_column: str | None = None,
    id_column: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    restart: bool = False,
    watchers: Sequence[Watcher] = (),
    progress: bool = True,
    say: Say = lambda message: None,
) -> ScoreSummary:
    """Score every row of `inputs` and write it, with its prediction, to `output`.

    File names end in .csv, .tsv, .jsonl (each also with .gz), .parquet or .xlsx; `-` is JSONL on a
    pipe. `encoding` and `delimiter` hold for text files; by default they are found out.

    Between files, a run that is stopped at any moment goes on where it was when it is asked for again, and its
    output is byte for byte that of a run that was not stopped; `restart` throws away what a run before left. On a pipe
    rows are scored as they come. What is assumed about the inputs goes to `say`; `progress` shows on stderr where
    that is a terminal.

    Raises:
        InputError: An input, a column or an option cannot be used, the output cannot be written, or what a run
            before left does not fit. What stood under the output's name before still does.
    """
    began = time.perf_counter()
    job = Job(expanded(inputs, output, say), output, text_column, id_column, encoding, delimiter)
    _check_names(job)
    summary = ScoreSummary()
    run = _Run(job, classifier, [summary, *watchers], say, partial(shown_progress, wanted=progress))
    if job.resumable:
        summary.resumed = run.between_files(restart=restart)
    else:
        run.on_a_pipe()
    summary.seconds = time.perf_counter() - began
    return summary


@dataclass(frozen=True, slots=True)
class _Run:
    job: Job
    classifier: Classifier
    watchers: Sequence[Watcher]
    say: Say
    progress: Callable[..., AbstractContextManager[Show]]

    def on_a_pipe(self) -> None:
        """Write rows as they are scored."""
        done = 0
        # A thread that waits for standard input could not be stopped.
        overlap = PIPE not in self.job.inputs
        with (
            self.progress("scoring") as show,
            create_table(self.job.output, say=self.say) as writer,
            closing(read_parts(self.job, self.say)) as parts,
            closing(scored(parts, self.classifier, overlap=overlap)) as results,
        ):
            for part, found in results:
                self._write(writer, part, found, done)
                done += len(part)
                show(done, part.fraction)

    def between_files(self, *, restart: bool) -> int:
        """Score into the journal, then write the output from it; how many rows a run before had scored."""
        weights = self.classifier.info.answers_by
        # Opened before the inputs, which may take long to look through: what is wrong with it is better known at once.
        with writing(self.job.output), opened_journal(journal_of(self.job.output), self.say) as journal:
            if not restart:
                journal.check(partial(foreseen, self.job, weights=weights), differences)
            inputs = Inputs(self.job)
            with self.progress("looking through") as show:
                looked = look_through(self.job, self.say, show)
            if restart:
                journal.restart()
            owner = fingerprint(self.job, inputs.fingerprints(), text_column=looked.text_column, weights=weights)
            journal.load(owner, differences)
            resumed = journal.rows
            if 0 < resumed < looked.rows:
                self.say(f"resuming at row {resumed + 1:,} of {looked.rows:,}; the rows before it are scored.")
            with self._kept(journal, looked.rows):
                try:
                    self._score(journal, inputs, max(looked.rows, 1))
                    self._write_all(journal, inputs)
                except InputError:
                    # An input that is read while somebody writes it looks damaged; what is wrong is the change.
                    inputs.check_all(thoroughly=False)
                    raise
            journal.remove()
        return resumed

    def _score(self, journal: Journal, inputs: Inputs, rows: int) -> None:
        with (
            self.progress("scoring", already=journal.rows, share=journal.rows / rows) as show,
            closing(read_parts(self.job, _silently, check_others=False)) as parts,
            closing(journal.records()) as known,
            closing(scored(parts, self.classifier, known=known)) as results,
        ):
            for part, found in results:
                content = packed(digest(part.texts()), found)
                inputs.check(part.chunk.name)  # what was read before a change may be kept, what was read after may not
                journal.append(len(part), content)
                show(journal.rows, journal.rows / rows)

    def _write_all(self, journal: Journal, inputs: Inputs) -> None:
        done = 0
        inputs.check_all(thoroughly=False)  # what has changed meanwhile is better named than found not to fit
        with (
            self.progress("writing") as show,
            create_table(self.job.output, say=self.say, alone=True) as writer,
            closing(read_parts(self.job, _silently, check_others=False)) as parts,
            closing(journal.records()) as records,
        ):
            for part, content in zip_longest(parts, records):
                if part is None or content is None:
                    raise CannotGoOnError(_OTHER_ROWS)
                self._write(writer, part, results_of(content, part.texts()), done)
                done += len(part)
                show(done, done / max(journal.rows, 1))
            inputs.check_all(thoroughly=True)

    def _write(self, writer: Writer, part: Part, results: list[Result], rows_before: int) -> None:
        with writing(self.job.output):
            writer.write(part.chunk, [added_values(result) for result in results])
        ids, texts = part.ids(rows_before), part.texts()
        for watcher in self.watchers:
            watcher.watch(ids, texts, results)

    @contextmanager
    def _kept(self, journal: Journal, rows: int) -> Iterator[None]:
        """Say what is kept when a run ends early."""
        try:
            yield
        except CannotGoOnError:
            raise
        except BaseException:
            if done := journal.recount():
                self.say(
                    f"{done:,} of {rows:,} rows are scored and kept in {journal.path.name}; "
                    "the same command goes on from there."
                )
            raise


def _silently(message: str) -> None:
    """What was found out about the inputs was said when they were looked through."""


def _check_names(job: Job) -> None:
    if not job.inputs:
        raise InputError("No input is named. Name one or more files, or - for JSONL on a pipe.")
    if job.inputs.count(PIPE) > 1:
        raise InputError("Standard input (-) is named twice, and can be read only once.")
    for name in job.inputs:
        format_of(name)
    check_writable(job.output)
    for name in job.inputs:
        if name != PIPE:
            check_file(name)
    if job.output != PIPE:
        with writing(job.output):
            _check_output(job)


def _check_output(job: Job) -> None:
    path = Path(job.output)
    if path.is_dir():
        raise InputError(f"{job.output} is a folder. Name a file in it.")
    if path.exists() and not path.is_file():
        raise InputError(f"{job.output} is not a plain file. To write to a pipe, name the output - and take JSONL.")
    if not path.parent.is_dir():
        raise InputError(f"{job.output}: the folder {path.parent} does not exist. Make it first.")
    for name in job.inputs:
        if name != PIPE and path.exists() and path.samefile(name):
            raise InputError(f"{job.output} is also the input {name}. Give the output another name.")
