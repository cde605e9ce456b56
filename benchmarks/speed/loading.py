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
_OPTIMISED, _ORT = "optimised.onnx", "optimised.ort"


def load_parts(given: Given, done: Done) -> tuple[Any, Any]:
    """A session and a tokenizer, as `given` says; `done` is told after each step."""
    settings = Settings(**given["settings"])
    graph = Path(given["graph"])
    if given["at_once"]:
        with ThreadPoolExecutor(2) as pool:
            # The longest thing, making the session, goes on beside the others.
            made = pool.submit(session, graph, settings)
            checked = pool.submit(verify_manifest, SHIPPED_WEIGHTS)
            read_config(SHIPPED_WEIGHTS / CONFIG)
            tokenizer = read_tokenizer(SHIPPED_WEIGHTS / TOKENIZER)
            checked.result()
            of = made.result()
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
    tokenizer = read_tokenizer(SHIPPED_WEIGHTS / TOKENIZER)
    done("tokenizer.json")
    of = session(content or (graph.read_bytes() if given["as_bytes"] else graph), settings)
    done("session")
    return of, tokenizer


def prepare(folder: Path) -> dict[str, Given]:
    """The ways that are compared, by name; writes the copies of the graph that some of them need into `folder`."""
    ways: dict[str, Given] = {
        "as the classifier does": _way(),
        "checksums, tokenizer and session at once": _way(at_once=True),
        "graph read once, for checksum and session": _way(read_once=True),
        "arena off": _way(arena=False),
        "arena and memory patterns off": _way(arena=False, pattern=False),
        "packing of weights off": _way(entries={"session.disable_prepacking": "1"}),
        "weights outside the arena": _way(entries={"session.use_device_allocator_for_initializers": "1"}),
        "weights outside the arena, no arena": _way(
            arena=False, entries={"session.use_device_allocator_for_initializers": "1"}
        ),
        "optimisation basic": _way(level="basic"),
        "optimisation disable_all": _way(level="disable_all"),
    }
    # A copy fits the processor that it was made on; what it saves tells whether to make one at the first start.
    optimised = _written(folder / "plain" / _OPTIMISED)
    ways["optimised copy"] = _way(graph=optimised, level="disable_all")
    outside = {
        "session.optimized_model_external_initializers_file_name": "weights.bin",
        "session.optimized_model_external_initializers_min_size_in_bytes": "1024",
    }
    external = _written(folder / "external" / _OPTIMISED, outside)
    ways["optimised copy, weights in a file of their own"] = _way(graph=external, level="disable_all")
    packed = _written(
        folder / "packed" / _OPTIMISED, outside | {"session.save_external_prepacked_constant_initializers": "1"}
    )
    ways["optimised copy, packed weights in a file of their own"] = _way(graph=packed, level="disable_all")
    flat = _written(folder / "ort" / _ORT, {"session.save_model_format": "ORT"})
    ways["onnxruntime's own format"] = _way(graph=flat, level="disable_all")
    straight = {"session.use_ort_model_bytes_directly": "1", "session.use_ort_model_bytes_for_initializers": "1"}
    ways["onnxruntime's own format, used where it was read"] = _way(
        graph=flat, level="disable_all", entries=straight, as_bytes=True
    )
    return ways


def _way(
    *,
    graph: Path = SHIPPED_GRAPH,
    at_once: bool = False,
    read_once: bool = False,
    as_bytes: bool = False,
    **settings: Any,
) -> Given:
    return {"graph": str(graph), "at_once": at_once, "read_once": read_once, "as_bytes": as_bytes, "settings": settings,
            "whole": False}  # fmt: skip


def _written(path: Path, entries: dict[str, str] | None = None) -> Path:
    """A copy of the shipped graph as onnxruntime optimises it; packing for this processor comes when it is loaded."""
    path.parent.mkdir(parents=True)
    options = Settings(level="all", entries=entries or {}).options()
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(str(SHIPPED_GRAPH), options, providers=["CPUExecutionProvider"])
    return path
