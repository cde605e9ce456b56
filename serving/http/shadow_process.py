"""The process in which the shadow's weights live: lots of texts in, answers out, until the server is gone.

It is handed texts and not windows, since its weights may cut them otherwise.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Final

from model.classifier import Classifier, load
from model.errors import RidaError
from model.prediction import Prediction, Rejection
from serving.http.traces import trace

if TYPE_CHECKING:
    from model.classifier import ModelInfo

_POLITEST: Final = 19
_WARM_UP_TEXT: Final = "The parcel came on time, thank you!"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The weights can be used."""

    info: ModelInfo


@dataclass(frozen=True, slots=True)
class Failed:
    """Something could not be done; `reason` holds nothing of a text."""

    reason: str


Answers = list[Prediction | Rejection]


def score_lots(folder: str, server: Connection) -> None:
    """Load the weights, say so, and answer each lot of texts that comes through the connection."""
    # A Ctrl-C goes to all processes of a terminal; this one ends when the server does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setpriority"):
        # Against threads of the usual priority the scheduler leaves this one about a hundredth of a core.
        os.setpriority(os.PRIO_PROCESS, 0, _POLITEST)
    try:
        classifier = _load(folder, server)
        while classifier is not None:
            server.send(_answers(classifier, server.recv()))
    except (EOFError, OSError):
        return
    except BaseException:
        # The interpreter would print the exception, whose message may quote a text.
        os._exit(1)


def _load(folder: str, server: Connection) -> Classifier | None:
    try:
        # One core is the most that it may take, whatever idles: the next request finds the others free.
        classifier = load(folder, threads=1)
        if not isinstance(classifier.classify([_WARM_UP_TEXT])[0], Prediction):
            server.send(Failed(f"{folder}: the weights cannot score the warm-up text"))
            return None
    except RidaError as error:
        server.send(Failed(str(error)))
        return None
    server.send(Loaded(classifier.info))
    return classifier


def _answers(classifier: Classifier, texts: Sequence[str]) -> Answers | Failed:
    try:
        return classifier.classify(texts)
    except Exception as error:
        return Failed(trace(error))
