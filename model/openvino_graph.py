"""The exported graph in OpenVINO, which multiplies in bfloat16 where the processor can.

The graph's matrices are 8-bit; here they are multiplied with activations that nothing rounds to 8 bits, so that
what is not in ONNX itself (operators of onnxruntime's own) is said in OpenVINO's operators.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import local
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.errors import InputError, WeightsError

_OWN: Final = "com.microsoft"
_FAR: Final = -1e9
"""Added to what attention is not to look at; exp of it is 0."""


class OpenvinoGraph:
    """Answers as `OnnxruntimeGraph` does, up to what rounding makes of logits.

    Each run uses one thread, and `threads` runs go on at once.

    Raises:
        InputError: OpenVINO is not installed, or the processor does not multiply in bfloat16.
        WeightsError: the graph cannot be read.
    """

    def __init__(self, graph: Path | bytes, *, threads: int) -> None:
        try:
            import openvino  # type: ignore[import-untyped]
        except ImportError as error:
            raise InputError(
                f'backend "openvino" cannot be had ({error}); pip install "rida[openvino]", or leave the backend out'
            ) from error
        core = _core(openvino)
        if not multiplies_bfloat16(core):
            raise InputError(
                'backend "openvino" would be slower here: this processor does not multiply in bfloat16 (AMX or '
                "AVX512-BF16); leave the backend out"
            )
        try:
            self._compiled = core.compile_model(core.read_model(graph), "CPU", _properties(threads))
        except Exception as error:  # the library's own exceptions share no base but Exception
            name = "the changed graph" if isinstance(graph, bytes) else graph
            raise WeightsError(f"{name}: cannot be loaded by OpenVINO ({error})") from error
        self._of_thread = local()

    @property
    def labels(self) -> int | None:
        """How many logits a window gets; None where the graph does not say."""
        size = self._compiled.output(0).partial_shape[-1]
        return size.get_length() if size.is_static else None

    def run(self, input_ids: npt.NDArray[np.int32], lengths: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
        """Logits (windows, labels) of padded windows (windows, pieces)."""
        if not hasattr(self._of_thread, "request"):
            self._of_thread.request = self._compiled.create_infer_request()
        (logits,) = self._of_thread.request.infer({"input_ids": input_ids, "lengths": lengths}).values()
        return np.asarray(logits, dtype=np.float32)


def multiplies_bfloat16(core: Any) -> bool:
    """Whether the processor does, as OpenVINO sees it."""
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _properties(threads: int) -> dict[str, Any]:
    return {
        "INFERENCE_PRECISION_HINT": "bf16",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": threads,
        # Two processes that pin their threads would share the first cores and leave the others idle.
        "ENABLE_CPU_PINNING": False,
    }


@cache
def _core(openvino: Any) -> Any:
    """One for all graphs, until the process ends.

    Each one sets a stack for signals; when one of several goes, that of another that has gone may be put in its place,
    and the next Ctrl-C is a segmentation fault.
    """
    from openvino.frontend.onnx import ConversionExtension  # type: ignore[import-untyped]

    core = openvino.Core()
    for domain, name, translate in _TRANSLATED:
        core.add_extension(ConversionExtension(name, domain, translate))
    return core


def _quantise(node: Any) -> list[Any]:
    # Left out: what it rounds goes to `_multiply` alone, which takes it as it is.
    return [node.get_input(0)]


def _multiply(node: Any) -> list[Any]:
    from openvino import opset15 as ops

    matrix = _constant(node, 1).astype(np.float32) * _constant(node, 3)
    product = ops.matmul(node.get_input(0), ops.constant(matrix), transpose_a=False, transpose_b=False)
    return [ops.add(product, node.get_input(6)).output(0)]


def _add_and_normalise(node: Any) -> list[Any]:
    from openvino import opset15 as ops

    total = ops.add(node.get_input(0), node.get_input(1))
    last = ops.constant(np.array([-1]))
    normal = ops.mvn(total, last, True, node.get_attribute("epsilon", 1e-12), "INSIDE_SQRT")
    return [ops.add(ops.multiply(normal, node.get_input(2)), node.get_input(3)).output(0)]


def _gelu(node: Any) -> list[Any]:
    from openvino import opset15 as ops

    return [ops.gelu(node.get_input(0), "erf").output(0)]


def _look_up(node: Any) -> list[Any]:
    """Rows of a table with two 4-bit numbers a byte, the lower half first; blocks of them share a scale."""
    from openvino import opset15 as ops

    rows, width = node.get_input(0).get_shape()
    packed = np.frombuffer(np.ascontiguousarray(node.get_input(0).get_node().data), dtype=np.uint8)
    # In two's complement; looked up, since OpenVINO shifts bits slowly.
    halves = np.arange(256, dtype=np.uint8)[:, None] >> np.array([0, 4], dtype=np.uint8) & 15
    numbers = ((halves ^ 8).astype(np.float32) - 8).astype(np.float32)
    ids, first = node.get_input(1), ops.constant(np.int64(0))
    pairs = ops.gather(ops.constant(packed.reshape(rows, width // 2)), ids, first)
    found = ops.gather(ops.constant(numbers), ops.convert(pairs, "i32"), first)
    block = node.get_attribute("block_size", 128)
    blocks = ops.reshape(found, ops.constant(np.array([0, 0, width // block, block])), special_zero=True)
    scales = ops.unsqueeze(ops.gather(node.get_input(2), ids, first), ops.constant(np.int64(-1)))
    return [ops.reshape(ops.multiply(blocks, scales), ops.constant(np.array([0, 0, width])), True).output(0)]


def _attend(node: Any) -> list[Any]:
    from openvino import opset15 as ops

    count, turned = node.get_attribute("num_heads", 1), ops.constant(np.array([0, 2, 1, 3]))

    def heads(at: int) -> Any:
        split = ops.reshape(node.get_input(at), ops.constant(np.array([0, 0, count, -1])), special_zero=True)
        return ops.transpose(split, turned)

    zero, one = ops.constant(np.int64(0)), ops.constant(np.int64(1))
    positions = ops.range(zero, ops.gather(ops.shape_of(node.get_input(1)), one, zero), one, "i64")
    lengths = ops.unsqueeze(ops.convert(node.get_input(4), "i64"), one)
    inside = ops.less(ops.unsqueeze(positions, zero), lengths)
    mask = ops.select(inside, ops.constant(np.float32(0)), ops.constant(np.float32(_FAR)))
    attended = ops.scaled_dot_product_attention(
        heads(0), heads(1), heads(2), ops.unsqueeze(mask, ops.constant(np.array([1, 2])))
    )
    together = ops.constant(np.array([0, 0, -1]))
    return [ops.reshape(ops.transpose(attended, turned), together, special_zero=True).output(0)]


_TRANSLATED: Final[tuple[tuple[str, str, Callable[[Any], list[Any]]], ...]] = (
    ("", "QuantizeLinear", _quantise),
    (_OWN, "MatMulIntegerToFloat", _multiply),
    (_OWN, "SkipLayerNormalization", _add_and_normalise),
    (_OWN, "Gelu", _gelu),
    (_OWN, "GatherBlockQuantized", _look_up),
    (_OWN, "MultiHeadAttention", _attend),
)


def _constant(node: Any, at: int) -> npt.NDArray[Any]:
    return np.asarray(node.get_input(at).get_node().data)
