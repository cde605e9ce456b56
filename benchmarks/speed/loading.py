"""Ways to come from a weights folder to a session and a tokenizer, step by step."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import onnxruntime

from benchmarks.speed.sessions import Settings, session
from model.classifier import SHIPPED_WEIGHTS
from model.config import read_config
from model.manifest import CONFIG, GRAPH, MANIFEST, TOKENIZER, verify_manifest
from model.tokenizer import read_tokenizer

Done = Callable[[str], None]
Given = dict[str, Any]

SHIPPED_GRAPH: Final = SHIPPED_WEIGHTS / GRAPH
BY_HAND: Final = "as the classifier does"
_OPTIMISED: Final = "optimised.onnx"


def load_parts(given: Given, done: Done) -> tuple[Any, Any]:
    """A session and a tokenizer, as `given` says; `done` is told after each step."""
    settings = Settings(**given["settings"])
    graph = Path(given["graph"])
    if given["at_once"]:
        with ThreadPoolExecutor(2) as pool:
            # The longest thing, making the session, goes on beside the others.
            begun = pool.submit(session, graph, settings)
            checked = pool.submit(verify_manifest, SHIPPED_WEIGHTS)
            read_config(SHIPPED_WEIGHTS / CONFIG)
            tokenizer = read_tokenizer(SHIPPED_WEIGHTS / TOKENIZER)
            checked.result()
            of = begun.result()
        done("checksums, tokenizer, session at once")
        return of, tokenizer
    if given["read_once"]:
        content = graph.read_bytes()
        for each in (content, (SHIPPED_WEIGHTS / TOKENIZER).read_bytes(), (SHIPPED_WEIGHTS / MANIFEST).read_bytes()):
            hashlib.sha256(each).hexdigest()
        done("checksums")
    else:
        content = b""
        verify_manifest(SHIPPED_WEIGHTS)
        done("checksums")
    read_config(SHIPPED_WEIGHTS / CONFIG)
    done("config.json")
    made: dict[str, Any] = {}
    loaders: dict[str, Callable[[], Any]] = {
        "tokenizer.json": lambda: read_tokenizer(SHIPPED_WEIGHTS / TOKENIZER),
        "session": lambda: session(content or graph, settings),
    }
    for name in reversed(loaders) if given["session_first"] else loaders:
        made[name] = loaders[name]()
        done(name)
    return made["session"], made["tokenizer.json"]


def prepare(folder: Path, say: Done) -> dict[str, Given]:
    """The ways that are compared, by name; writes the copies of the graph that some of them need into `folder`."""
    ways: dict[str, Given] = {
        BY_HAND: _way(),
        "checksums, tokenizer and session at once": _way(at_once=True),
        "session before the tokenizer": _way(session_first=True),
        "session before the tokenizer, weights outside the arena": _way(
            session_first=True, entries={"session.use_device_allocator_for_initializers": "1"}
        ),
        "graph read once, for checksum and session": _way(read_once=True),
        "arena off": _way(arena=False),
        "arena and memory patterns off": _way(arena=False, pattern=False),
        "arena that grows by what is asked for": _way(exact=True),
        "packing of weights off": _way(entries={"session.disable_prepacking": "1"}),
        "weights outside the arena": _way(entries={"session.use_device_allocator_for_initializers": "1"}),
        "weights outside the arena, no arena": _way(
            arena=False, entries={"session.use_device_allocator_for_initializers": "1"}
        ),
        "optimisation basic": _way(level="basic"),
        "optimisation disable_all": _way(level="disable_all"),
    }
    for name, (kind, entries) in _copies().items():
        path = folder / kind / _OPTIMISED
        try:
            _write_copy(path, entries)
        except Exception as error:  # onnxruntime's own exceptions share no base but Exception
            say(f"{name}: left out, onnxruntime does not write it ({error})")
            continue
        ways[name] = _way(graph=path, level="disable_all")
    return ways


def _copies() -> dict[str, tuple[str, dict[str, str]]]:
    """Copies of the graph as onnxruntime optimises it: the folder of each, and how it is written.

    onnxruntime's own format is not among them: it has no 4-bit integers, which the embedding table is stored in. Copies
    fit the processor that they were made on; what they save tells whether to make one at the first start.
    """
    outside = {
        "session.optimized_model_external_initializers_file_name": "weights.bin",
        "session.optimized_model_external_initializers_min_size_in_bytes": "1024",
    }
    packed = outside | {"session.save_external_prepacked_constant_initializers": "1"}
    return {
        "optimised copy": ("plain", {}),
        "optimised copy, weights in a file of their own": ("external", outside),
        "optimised copy, packed weights in a file of their own": ("packed", packed),
    }


def _way(
    *,
    graph: Path = SHIPPED_GRAPH,
    at_once: bool = False,
    read_once: bool = False,
    session_first: bool = False,
    **settings: Any,
) -> Given:
    return {
        "whole": False, "graph": str(graph), "at_once": at_once, "read_once": read_once,
        "session_first": session_first, "settings": settings,
    }  # fmt: skip


def _write_copy(path: Path, entries: dict[str, str]) -> None:
    path.parent.mkdir(parents=True)
    options = Settings(entries=entries).options()
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(str(SHIPPED_GRAPH), options, providers=["CPUExecutionProvider"])
