"""Settings of onnxruntime beside those of `model/onnxruntime_graph.py`, in one process on the same batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime

from benchmarks.speed.asking import rotated
from model.windows import batches_by_length

Feed = dict[str, Any]
Work = Callable[[], object]

_PAD: Final = 1
AS_SHIPPED: Final = "as shipped"
LEVELS: Final = ("disable_all", "basic", "extended", "layout", "all")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a session may be given; the defaults are those of `model/onnxruntime_graph.py`."""

    threads: int = 1
    level: str = "basic"
    arena: bool = True
    pattern: bool = True
    exact: bool = False
    """Whether the arena grows by what is asked for, in place of to the next power of two."""
    entries: Mapping[str, str] = field(default_factory=dict)

    def options(self) -> Any:
        """As onnxruntime takes them."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
        options.log_severity_level = 3
        options.graph_optimization_level = getattr(
            onnxruntime.GraphOptimizationLevel,
            f"ORT_{'' if self.level == 'disable_all' else 'ENABLE_'}{self.level.upper()}",
        )
        options.enable_cpu_mem_arena, options.enable_mem_pattern = self.arena, self.pattern
        shared = {"session.use_env_allocators": "1"} if self.exact else {}
        for name, value in {"session.intra_op.allow_spinning": "0", **shared, **self.entries}.items():
            options.add_session_config_entry(name, value)
        return options


def session(graph: Path | bytes, settings: Settings) -> Any:
    """A session on the CPU."""
    if settings.exact:
        _share_exact_arena()
    given = graph if isinstance(graph, bytes) else str(graph)
    return onnxruntime.InferenceSession(given, settings.options(), providers=["CPUExecutionProvider"])


@cache
def _share_exact_arena() -> None:
    """Sessions that use the process's allocators get this one, which only C and this call can set up."""
    where = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    # No limit, growth by what is asked for, and the library's own choice of the rest.
    onnxruntime.create_and_register_allocator(where, onnxruntime.OrtArenaCfg(0, 1, -1, -1))


def padded(windows: Sequence[Sequence[int]]) -> Feed:
    """A batch as `Session.run` of `model/session.py` makes it."""
    lengths = np.array([len(window) for window in windows], dtype=np.int32)
    input_ids = np.full((len(windows), int(lengths.max())), _PAD, dtype=np.int32)
    for row, window in enumerate(windows):
        input_ids[row, : len(window)] = window
    return {"input_ids": input_ids, "lengths": lengths}


def batched(windows: Sequence[Sequence[int]], tokens_per_batch: int) -> list[Feed]:
    """All windows in batches by length."""
    batches = batches_by_length([len(window) for window in windows], tokens_per_batch=tokens_per_batch)
    return [padded([windows[at] for at in batch]) for batch in batches]


def run(of: Any, feeds: Sequence[Feed]) -> list[Any]:
    """Logits of each batch, one after the other."""
    return [of.run(None, feed)[0] for feed in feeds]


def in_two(of: Any, feeds: Sequence[Feed], pool: ThreadPoolExecutor) -> list[Any]:
    """Logits of each batch, two runs at once."""
    return list(pool.map(lambda feed: of.run(None, feed)[0], feeds))


def settings_compared() -> dict[str, Settings]:
    """One thread each."""
    return {
        AS_SHIPPED: Settings(),
        "arena off": Settings(arena=False),
        "memory patterns off": Settings(pattern=False),
        "spinning on": Settings(entries={"session.intra_op.allow_spinning": "1"}),
        "packing of weights at the start off": Settings(entries={"session.disable_prepacking": "1"}),
        "denormals as zero": Settings(entries={"session.set_denormal_as_zero": "1"}),
        **{f"optimisation {level}": Settings(level=level) for level in LEVELS if level != Settings().level},
    }


def settings_work(graph: Path, singles: Sequence[Feed], batches: Sequence[Feed]) -> dict[str, dict[str, Work]]:
    """By set, then by settings: single texts, and batches."""
    made = {name: session(graph, settings) for name, settings in settings_compared().items()}
    return {
        what: {name: _bound(run, of, feeds) for name, of in made.items()}
        for what, feeds in (("texts of 32 tokens, one by one", singles), ("real texts in batches", batches))
    }


def batch_sizes_work(graph: Path, windows: Sequence[Sequence[int]], most: int) -> dict[str, Work]:
    """One thread, batches of different sizes; the first is that of the weights' config.json."""
    of = session(graph, Settings())
    sizes = dict.fromkeys((most, 128, 256, 512, 1024, 2048, 4096))
    return {f"{size} tokens a batch": _bound(run, of, batched(windows, size)) for size in sizes}


def two_threads_work(graph: Path, singles: Sequence[Feed], batches: Sequence[Feed]) -> dict[str, dict[str, Work]]:
    """Two threads as two runs of one, or as one run of two; the first is what `model/session.py` does."""
    pool = ThreadPoolExecutor(2)
    one = session(graph, Settings())
    wide = {
        "one run over two threads": session(graph, Settings(threads=2)),
        "one run over two threads, spinning": session(
            graph, Settings(threads=2, entries={"session.intra_op.allow_spinning": "1"})
        ),
    }
    latency: dict[str, Work] = {"one run over one thread": _bound(run, one, singles)}
    latency |= {name: _bound(run, of, singles) for name, of in wide.items()}
    both = {}
    for what, feeds in (("two askers, texts of 32 tokens", singles), ("real texts in batches, two threads", batches)):
        works: dict[str, Work] = {"two runs at once of one thread each": _bound(in_two, one, feeds, pool)}
        works |= {f"{name}, one after the other": _bound(run, of, feeds) for name, of in wide.items()}
        both[what] = works
    return {"one asker, texts of 32 tokens": latency, **both}


def in_rounds(works: Mapping[str, Work], rounds: int) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """Seconds of each, in turn, round by round, by the clock and of CPU time; a first round is not counted."""
    for work in works.values():
        work()
    names = list(works)
    clock, cpu = [], []
    for number in range(rounds):
        seconds, cpu_seconds = {}, {}
        for name in rotated(names, number):
            began, cpu_began = time.perf_counter(), time.process_time()
            works[name]()
            seconds[name] = time.perf_counter() - began
            cpu_seconds[name] = time.process_time() - cpu_began
        clock.append({name: seconds[name] for name in names})
        cpu.append({name: cpu_seconds[name] for name in names})
    return clock, cpu


def _bound(work: Callable[..., object], *given: Any) -> Work:
    return lambda: work(*given)
