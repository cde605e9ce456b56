"""The same network by other engines, with what each costs in moods.

    pip install -e ".[train]"
    python -m venv OV && OV/bin/pip install -r benchmarks/speed/openvino-requirements.txt
    python -m benchmarks.speed.kernels --data-root DATA --openvino-python OV/bin/python

onnxruntime with our graph, torch, and OpenVINO, each in a process of its own with one thread, asked in turn. Moods are
held against torch in float32 on validation rows of the annotated source. Writes
`benchmarks/results/speed-kernels.json`.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.batch.machine import versions
from benchmarks.machine import machine, warning
from benchmarks.speed.asking import Contestant, failed, json_file, rotated
from benchmarks.speed.kernel_engines import ENGINES, FLOAT, RIDA
from benchmarks.speed.networks import export_fused, export_plain
from benchmarks.speed.rounds import RESULTS, Results, keep, said
from benchmarks.speed.texts import windows_of, windows_of_length
from data.sources import read_source
from model.calibration import combine_windows, mood_probabilities, split_heads
from model.classifier import SHIPPED_WEIGHTS, Classifier, load
from model.decision import decided_moods
from model.manifest import GRAPH, TOKENIZER
from model.tokenizer import id_of, read_tokenizer

KERNELS: Final = RESULTS / "speed-kernels.json"
LENGTHS: Final = (16, 32, 64, 128)
_CALIBRATION: Final = 300


def main() -> int:
    """Measure, keep and show."""
    arguments = _arguments()
    found = machine()
    if warning(found):
        print(warning(found))
    began = time.monotonic()
    classifier = load(threads=1)
    texts = _texts(arguments)
    results: Results = {
        "machine": found, "versions": versions(("onnxruntime", "torch", "transformers")),
        "threads": arguments.threads, "texts": len(texts["validation"]),
    }  # fmt: skip
    with ExitStack() as stack:
        contestants = _contestants(arguments, classifier, texts, stack)
        results["ready"] = {name: each.ready for name, each in contestants.items()}
        results["versions"] |= {"openvino": _openvino_version(arguments.openvino_python)}
        results["moods"] = _moods_unchanged(classifier, texts["validation"], contestants)
        keep(arguments.output, results)
        results["speed"] = {}
        for name in _batches(classifier, texts["validation"]):
            rounds = _rounds(name, contestants, arguments)
            results["speed"][name] = {"texts": int(name.split(" ")[0]), "rounds": rounds}
            results["machine"]["run_minutes"] = round((time.monotonic() - began) / 60, 1)
            keep(arguments.output, results)
            print(f"\n{name}\n{said(rounds, RIDA, unit='ms', scale=1000)}", flush=True)
    return 0


def _texts(arguments: argparse.Namespace) -> dict[str, list[str]]:
    """Some train and some validation texts of the annotated source."""
    rows = read_source(arguments.data_root / "annotated", validation_share=0.1)
    chance = random.Random(1)
    found = {}
    for split, count in (("train", _CALIBRATION), ("validation", arguments.texts)):
        texts = sorted({row.text for row in rows if row.split == split and row.text.strip()})
        found[split] = chance.sample(texts, min(count, len(texts)))
    return found


def _contestants(
    arguments: argparse.Namespace, classifier: Classifier, texts: dict[str, list[str]], stack: ExitStack
) -> dict[str, Contestant]:
    """Everyone who can take part, loaded."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    plain, fused = folder / "plain.onnx", folder / "fused.onnx"
    export_plain(plain)
    export_fused(fused)
    given = stack.enter_context(json_file({
        "shipped": str(SHIPPED_WEIGHTS / GRAPH), "plain": str(plain), "fused": str(fused),
        "integer": str(folder / "integer.xml"),
        "threads": arguments.threads, "pad_id": id_of(read_tokenizer(SHIPPED_WEIGHTS / TOKENIZER), "<pad>"),
        "calibration": [windows[0] for windows in windows_of(classifier, texts["train"])],
        "windows": [window for windows in windows_of(classifier, texts["validation"]) for window in windows],
        "batches": _batches(classifier, texts["validation"]),
    }))  # fmt: skip
    found = {}
    for name in ENGINES:
        python = arguments.openvino_python if name.startswith("OpenVINO") else sys.executable
        if python is None:
            print(f"{name} is left out: give --openvino-python")
            continue
        try:
            made = Contestant("benchmarks.speed.kernel_engines", name, given, python=str(python))
        except RuntimeError as error:
            print(failed(name, error), flush=True)
            continue
        found[name] = stack.enter_context(made)
        print(f"{name} is ready after {made.start_seconds:.1f} s", flush=True)
    return found


def _batches(classifier: Classifier, texts: Sequence[str]) -> dict[str, list[list[int]]]:
    """One text and a full batch of each length."""
    windows = [window for each in windows_of(classifier, texts) for window in each]
    most = classifier.info.config.limits.tokens_per_batch
    return {
        f"{count} text{'s' if count > 1 else ''} of {length} tokens": windows_of_length(windows, length, count)
        for length in LENGTHS
        for count in (1, most // length)
    }


def _rounds(name: str, contestants: dict[str, Contestant], arguments: argparse.Namespace) -> list[dict[str, float]]:
    rounds = []
    for number in range(arguments.rounds):
        seconds = {
            who: contestants[who].ask("run", name=name, seconds=arguments.seconds)["seconds"]
            for who in rotated(list(contestants), number)
        }
        rounds.append({who: seconds[who] for who in contestants})
    return rounds


def _moods_unchanged(
    classifier: Classifier, texts: Sequence[str], contestants: dict[str, Contestant]
) -> dict[str, dict[str, float]]:
    """The share of texts with the mood that torch says in float32, and the largest change of a mood's probability."""
    parts = windows_of(classifier, texts)
    config = classifier.info.config
    moods, decided = {}, {}
    for name, each in contestants.items():
        logits = np.array(each.ask("logits")["logits"], dtype=np.float32)
        moods[name] = mood_probabilities(combine_windows(split_heads(logits), parts), config.calibration)
        decided[name] = np.array(decided_moods(moods[name], config.thresholds.angry))
    found = {}
    for name in contestants:
        same = float(np.mean(decided[name] == decided[FLOAT]))
        found[name] = {"unchanged": same, "largest_change": float(np.abs(moods[name] - moods[FLOAT]).max())}
        print(f"{name:45} {100 * same:.1f} % of moods as in float32", flush=True)
    return found


def _openvino_version(python: Path | None) -> str | None:
    if python is None:
        return None
    import subprocess

    code = "import importlib.metadata as m; print(m.version('openvino'), 'nncf', m.version('nncf'))"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data-root", type=Path, required=True, help="folder of sources; `annotated` is read")
    parser.add_argument("--openvino-python", type=Path, help="Python of an environment with openvino and nncf")
    parser.add_argument(
        "--texts", type=int, default=1000, help="validation texts whose moods are held against each other"
    )
    parser.add_argument("--threads", type=int, default=1, help="threads of each engine (default: 1)")
    parser.add_argument("--rounds", type=int, default=5, help="times that all are measured (default: 5)")
    parser.add_argument("--seconds", type=float, default=0.4, help="about what each gets a round (default: 0.4)")
    parser.add_argument("--output", type=Path, default=KERNELS, help="where the results are kept")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
