"""`rida score --engine ray`: Ray Data reads, scores with a pool of actors and writes, on one machine or a cluster.

Ray schedules, retries and keeps memory bounded; what is ours is that each input file becomes one output file, and that
a job killed at any moment goes on with the files that are not done.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from model.config import Backend, Speed
from model.cores import usable_cores
from model.errors import InputError, RidaError
from model.labels import MOODS
from serving.cluster.assemble import PATH, assemble, find_runs, refuse_changed
from serving.cluster.inputs import Input, find_inputs
from serving.cluster.job import Fingerprint, Job, begin, fingerprint, locked, parts_folder
from serving.cluster.scorer import Identity, Scorer
from serving.score import ScoreSummary
from serving.tables.added import refuse_added
from serving.tables.columns import check_is_text, choose_text_column
from serving.tables.parquet_file import ArrowChunk, damaged, open_parquet
from serving.tables.table import Say

_BLOCK_ROWS: Final = 1_024
"""Rows that a worker gets at once: some seconds of work, so that all workers end at about the same time."""

_PART_ROWS: Final = 16_384
"""Rows of a part, at least: the driver opens every part once, so that there must not be too many."""

_GROUP_ROWS: Final = 100_000
"""Rows for each core in one pipeline: some twenty minutes, beside which its start does not matter."""

_CONNECT_SECONDS: Final = 10

Known = tuple[Input, Fingerprint]
"""An input as it was when the run began."""


@dataclass(frozen=True, slots=True)
class Workers:
    """Where a job runs: `address` None is this machine; `count` None is as many as there are cores for.

    `speed` None is what the weights say, `backend` None onnxruntime.
    """

    address: str | None = None
    count: int | None = None
    threads: int = 1
    speed: Speed | None = None
    backend: Backend | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What a run scored, and how many rows with errors there are in the files that were done before it."""

    scored: ScoreSummary
    errors_before: int


def score(
    inputs: Sequence[str],
    output: str,
    *,
    workers: Workers,
    weights: Path | None = None,
    text_column: str | None = None,
    restart: bool = False,
    say: Say = lambda message: None,
) -> Done:
    """Score Parquet files; each becomes one of the same name in the folder `output`.

    Raises:
        InputError: An input, an option or what the folder holds cannot be used, or Ray is not installed.
        WeightsError: The weights folder is missing or damaged.
        RidaError: Ray gave up. What is finished stays, and the same call goes on from there.
    """
    if find_spec("ray") is None:
        raise InputError('--engine ray needs Ray: pip install "rida[ray]"')
    began = time.perf_counter()
    folder = Path(os.path.abspath(output))  # noqa: PTH100  (as for inputs)
    # Where the shipped ones lie differs from machine to machine, so that no path is sent for them.
    weights = weights and weights.resolve()
    scored_by = Identity.here(weights, workers.speed, workers.backend)
    found = find_inputs(inputs, folder)
    text = _check_inputs(found, text_column, say)
    address = workers.address or os.environ.get("RAY_ADDRESS")
    if address:
        _check_address(address)  # before anything is removed; Ray itself would try for many minutes
    with locked(folder):
        job = begin(folder, found, scored_by=scored_by, text_column=text, restart=restart)
        pending = [one for one, _ in job.pending]
        kept = _counted([one for one in found if one not in pending], folder)
        if kept.rows:
            say(
                f"{len(found) - len(pending)} of {len(found)} files ({kept.rows:,} rows) are done already and are kept."
            )
        if pending:
            with _cluster(workers, address) as count:
                scorer = {
                    "weights": weights and str(weights),
                    "threads": workers.threads,
                    "speed": workers.speed,
                    "backend": workers.backend,
                    "text_column": text,
                    "expected": scored_by,
                }
                for group in _groups(job.pending, rows=_GROUP_ROWS * count * workers.threads):
                    _score_group(group, job, count, scorer)
        scored = _counted(pending, folder)
    scored.seconds = time.perf_counter() - began
    return Done(scored, kept.errors)


def _check_inputs(found: Sequence[Input], asked: str | None, say: Say) -> str:
    """The column of texts, chosen in the first file; every other one must have it too."""
    text: str | None = None
    for one in found:
        with open_parquet(str(one.path)) as table:
            if text is None:
                text = choose_text_column(table, next(table.chunks), asked, say)
            elif text not in table.columns:
                raise InputError(f"{one.path} has no column '{text}', in which {found[0].path} has its texts.")
            check_is_text(table, text)
            no_rows = pa.RecordBatch.from_pylist([], schema=pa.schema([(name, pa.null()) for name in table.columns]))
            refuse_added(table, ArrowChunk(table.name, no_rows, 1))
    if text == PATH:
        raise InputError(f"--engine ray cannot read texts from a column named '{PATH}', which Ray adds. Rename it.")
    assert text is not None
    return text


def _groups(pending: Sequence[Known], *, rows: int) -> Iterator[list[Known]]:
    """Files in groups with at least so many rows."""
    group: list[Known] = []
    for one in pending:
        group.append(one)
        if sum(known.rows for _, known in group) >= rows:
            yield group
            group = []
    if group:
        yield group


def _check_address(address: str) -> None:
    host, separator, port = address.removeprefix("ray://").rpartition(":")
    if not separator:
        return  # a name such as auto
    try:
        with socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS):
            pass
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(
            f"No Ray cluster answers at {address} ({error}). Check --address; `ray start --head` says which it is."
        ) from error


@contextmanager
def _cluster(workers: Workers, address: str | None) -> Iterator[int]:
    """Ray, and how many workers fit; started here unless there is an address. Closed at the end."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray
    import ray.data

    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    quiet: dict[str, Any] = {"logging_level": "error", "log_to_driver": False}
    if address:
        try:
            ray.init(address=address, **quiet)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise InputError(f"{address} is no Ray cluster to work with: {_first_line(error)}") from error
    else:
        count = workers.count or max(1, usable_cores() // workers.threads)
        # Reading and writing take little, but need a place beside the workers.
        ray.init(address="local", num_cpus=count * workers.threads + 1, include_dashboard=False, **quiet)
    try:
        cores = int(ray.cluster_resources().get("CPU", 0))
        count = workers.count or max(1, (cores - 1) // workers.threads)
        if count * workers.threads >= cores:
            raise InputError(
                f"{count} workers of {workers.threads} threads do not fit beside reading and writing: the cluster has "
                f"{cores} cores. Give --workers or --threads."
            )
        yield count
    finally:
        ray.shutdown()


def _score_group(group: Sequence[Known], job: Job, count: int, scorer: dict[str, Any]) -> None:
    """One pipeline, then one output for each file of it."""
    import ray

    for one, known in group:
        refuse_changed(one, known)  # the run may have begun many hours ago
    with parts_folder(job.folder) as parts:
        try:
            _run_pipeline([str(one.path) for one, known in group if known.rows], parts, count, scorer)
            _assemble_all(group, job, parts, scorer["text_column"])
        except ray.exceptions.RayError as error:
            _blame([one for one, _ in group])
            cause = getattr(error, "cause", None)
            if isinstance(cause, RidaError):
                raise type(cause)(str(cause)) from error
            # Of a worker that died, Ray tells first that it did, and last why.
            why = _first_line(cause) if cause else _last_line(error)
            raise RidaError(
                f"Ray gave up ({why}); its logs are under /tmp/ray on the machine concerned. What is finished is kept, "
                "and the same command goes on from there."
            ) from error


def _assemble_all(group: Sequence[Known], job: Job, parts: Path, text_column: str) -> None:
    """Let every file of a group be finished that can be; only then raise what befell the first that cannot."""
    import ray

    runs = find_runs(parts)
    remote = ray.remote(assemble)
    staged = parts / "outputs"
    tasks = {
        one.name: remote.remote(one, known, runs.get(str(one.path), []), staged / one.name, text_column=text_column)
        for one, known in group
    }
    outputs: dict[str, Fingerprint] = {}
    errors: list[ray.exceptions.RayError] = []
    for name, task in tasks.items():
        try:
            outputs[name] = ray.get(task)
        except ray.exceptions.RayError as error:
            errors.append(error)
    job.finish(outputs, staged)
    if errors:
        raise errors[0]


def _run_pipeline(paths: list[str], parts: Path, count: int, scorer: dict[str, Any]) -> None:
    if not paths:
        return
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = sys.stderr.isatty()
    context.execution_options.preserve_order = True
    # The newer reader gives a file's row groups in any order.
    context.use_datasource_v2 = False
    texts = pa.schema([(scorer["text_column"], pa.large_string())])
    (
        ray.data.read_parquet(paths, schema=texts, include_paths=True)
        .repartition(target_num_rows_per_block=_BLOCK_ROWS)
        .map_batches(
            Scorer,
            fn_constructor_kwargs=scorer,
            batch_size=_BLOCK_ROWS,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=count),
            num_cpus=scorer["threads"],
        )
        .write_parquet(str(parts), min_rows_per_file=_PART_ROWS)
    )


def _blame(files: Sequence[Input]) -> None:
    """Raise InputError for the first file that cannot be read to its end: Ray does not say which one it was."""
    for one in files:
        with open_parquet(str(one.path)) as table:
            for _ in table.chunks:
                pass


def _counted(done: Sequence[Input], folder: Path) -> ScoreSummary:
    """Rows, moods and errors of finished files, from their own columns."""
    summary = ScoreSummary()
    for one in done:
        path = folder / one.name
        with damaged(str(path)), pq.ParquetFile(path) as file:
            if (rows := file.metadata.num_rows) != fingerprint(one.path).rows:
                raise InputError(f"{path} has {rows} rows, not as many as {one.path}. Remove it, and run this again.")
            for batch in file.iter_batches(columns=["mood", "error"]):
                summary.rows += batch.num_rows
                summary.errors += batch.num_rows - batch.column("error").null_count
                moods = Counter(batch.column("mood").to_pylist())
                for mood in MOODS:
                    summary.moods[mood] += moods[mood]
    return summary


def _last_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[-1].strip()


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).split("\n", 1)[0]
