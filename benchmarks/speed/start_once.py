"""One start in a fresh process: python -m benchmarks.speed.start_once GIVEN.json

Prints seconds, CPU seconds and memory after each step from the interpreter's start to the first text's logits, as JSON.
`GIVEN` says how; see `benchmarks.speed.starts`. Steps are those of `model.classifier.Classifier`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.speed.answering import memory


def main() -> None:
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    steps: list[dict[str, Any]] = []
    last, last_cpu = float(sys.argv[2]), 0.0

    def done(name: str) -> None:
        nonlocal last, last_cpu
        taken, cpu = time.monotonic() - last, time.process_time() - last_cpu
        steps.append({"step": name, "seconds": taken, "cpu_seconds": cpu, **memory()})
        last, last_cpu = time.monotonic(), time.process_time()

    done("Python, and importing as little as this takes")
    if given["whole"]:
        import rida

        done("import rida")
        classifier = rida.load()
        done("load, with imports")
        classifier.classify([given["text"]])
        done("first text")
        classifier.classify(given["texts"])
        done("more texts")
    else:
        _by_hand(given, done)
    print(json.dumps(steps))


def _by_hand(given: dict[str, Any], done: Any) -> None:
    import numpy  # noqa: F401

    done("import numpy")
    import onnxruntime  # noqa: F401

    done("import onnxruntime")
    import tokenizers  # noqa: F401

    done("import tokenizers")
    import model.config  # noqa: F401  (pydantic comes with it)

    done("import model.config (pydantic)")
    from benchmarks.speed.loading import load_parts

    done("import the rest")
    of, tokenizer = load_parts(given, done)
    from benchmarks.speed.sessions import batched, padded, run

    def windows(texts: list[str]) -> list[list[int]]:
        encoded = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [[0, *each.ids[:126], 2] for each in encoded]

    run(of, [padded(windows([given["text"]]))])
    done("first text")
    run(of, batched(windows(given["texts"]), 1024))
    done("more texts")


if __name__ == "__main__":
    main()
