"""Who may import whom: serving → model ← training → data, and scoring without torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "data": {"data"},
    "model": {"model"},
    "training": {"training", "model", "data"},
    "serving": {"serving", "model"},
}
# The command line hands `rida train` and its like over to the training package, when one of them is asked for, and
# reads the files that people teach with.
HANDS_OVER = ("serving/cli.py", "serving/commands.py", "serving/teaching/")


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names & (ALLOWED.keys() | {"rida"})


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_point_one_way(package: str) -> None:
    for path in sorted((ROOT / package).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        hands_over = {"training", "data"} if name.startswith(HANDS_OVER) else set()
        extra = hands_over | {"rida"} if package == "serving" else set()
        assert imported(path) <= ALLOWED[package] | extra, f"{name} imports what it must not"


@pytest.mark.parametrize(
    "work",
    ["import rida; rida.load({weights!r}).classify(['fine'])", "import serving.cli, serving.score, serving.http.app"],
)
def test_scoring_and_serving_import_neither_torch_nor_transformers(work: str, tiny_weights: Path) -> None:
    code = work.format(weights=str(tiny_weights)) + (
        "; import sys; print(sorted(sys.modules.keys() & {'torch', 'transformers', 'sklearn', 'datasets', 'onnx'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", ["rida", "serving.cli"])
def test_what_every_start_imports_is_light(module: str) -> None:
    heavy = "{'numpy', 'onnxruntime', 'openvino', 'tokenizers', 'fastapi', 'pyarrow'}"
    code = f"import {module}, sys; print(sorted(sys.modules.keys() & {heavy}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
