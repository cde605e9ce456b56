"""The exported graph in OpenVINO, which multiplies in bfloat16 where the processor can.

The graph's matrices are 8-bit; here they are multiplied with activations that nothing rounds to 8 bits. Other operators
of onnxruntime's own, those of older graphs among them, OpenVINO translates itself.
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

    columns = _constant(node.get_input(1)).astype(np.float32) * _constant(node.get_input(3))
    # What evens inputs out before they would be rounded may as well be a factor of the matrix's rows.
    smooth = node.get_input(0).get_node()
    matrix = _constant(smooth.input_value(1))[:, None] * columns
    product = ops.matmul(smooth.input_value(0), ops.constant(matrix), transpose_a=False, transpose_b=False)
    return [ops.add(product, node.get_input(6)).output(0)]


def _multiply_length_first(node: Any) -> list[Any]:
    """OpenVINO's own translation takes the first axis for the batch's where it is the length's."""
    from openvino import opset15 as ops

    def batch_first(at: int, name: str) -> Any:
        value = node.get_input(at)
        if not node.get_attribute(name, 0):
            return value
        last = value.get_partial_shape().rank.get_length() - 1
        return ops.transpose(value, ops.constant(np.array([*range(1, last), 0, last])))

    left, right = batch_first(0, "transBatchA"), batch_first(1, "transBatchB")
    product = ops.matmul(left, right, transpose_a=False, transpose_b=bool(node.get_attribute("transB", 0)))
    return [ops.multiply(product, ops.constant(np.float32(node.get_attribute("alpha", 1.0)))).output(0)]


_TRANSLATED: Final[tuple[tuple[str, str, Callable[[Any], list[Any]]], ...]] = (
    ("", "QuantizeLinear", _quantise),
    (_OWN, "MatMulIntegerToFloat", _multiply),
    (_OWN, "FusedMatMul", _multiply_length_first),
)


def _constant(value: Any) -> npt.NDArray[Any]:
    """A value that is a constant, or one of the equal parts that one is split into along its last axis."""
    made = value.get_node()
    if made.get_type_name() != "Split":
        return np.asarray(made.data)
    parts = np.split(_constant(made.input_value(0)), made.get_output_size(), axis=-1)
    return np.asarray(parts[value.get_index()])
