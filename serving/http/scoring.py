"""Scores a request's texts off the event loop, so that health checks are answered meanwhile.

This is the one place between routes and classifier: whatever shares model runs among requests goes here.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final

from model.cores import usable_cores

if TYPE_CHECKING:
    from model.classifier import Classifier
    from model.prediction import Prediction, Rejection

_SLICE: Final = 64


def make_executor(threads: int | None) -> ThreadPoolExecutor:
    """As many threads as cores may be used: a short request runs the model on one core alone."""
    return ThreadPoolExecutor(max_workers=threads or usable_cores(), thread_name_prefix="rida-scoring")


async def score(
    executor: ThreadPoolExecutor, classifier: Classifier, texts: list[str], ids: list[str]
) -> list[Prediction | Rejection]:
    """Score in slices, so that a request of thousands lets others in between; answers in order."""
    loop = asyncio.get_running_loop()
    answers: list[Prediction | Rejection] = []
    for start in range(0, len(texts), _SLICE):
        part = slice(start, start + _SLICE)
        answers += await loop.run_in_executor(executor, partial(classifier.classify, texts[part], ids=ids[part]))
    return answers
