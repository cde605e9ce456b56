"""Classifiers that misbehave where the model runs; everything else is the real one's."""

from __future__ import annotations

import threading
import time

import numpy as np


class Stub:
    """The real classifier, whose runs go through `score_windows` of a subclass once `armed` is set."""

    def __init__(self, classifier):
        self.classifier = classifier
        self.armed = False

    def __getattr__(self, name):
        return getattr(self.classifier, name)

    def score_windows(self, windows):
        return self.on_run(windows) if self.armed else self.classifier.score_windows(windows)

    def on_run(self, windows):
        return self.classifier.score_windows(windows)

    def holds(self, windows, text):
        """Whether a window of `text` is among those."""
        return any(window in windows for window in self.classifier.read([text])[0].windows)


class Held(Stub):
    """Runs the model when it is let go; waits in steps, so that its thread can be killed meanwhile."""

    def __init__(self, classifier):
        super().__init__(classifier)
        self.runs = []
        self.threads = []
        self.entered = threading.Event()
        self.release = threading.Event()

    def on_run(self, windows):
        self.runs.append(list(windows))
        self.threads.append(threading.get_ident())
        self.entered.set()
        until = time.monotonic() + 20
        while not self.release.is_set() and time.monotonic() < until:
            time.sleep(0.002)
        return super().on_run(windows)

    def wait_for_runs(self, number):
        until = time.monotonic() + 20
        while len(self.runs) < number:
            assert time.monotonic() < until, f"{len(self.runs)} runs instead of {number}"
            time.sleep(0.002)


class Quoting(Stub):
    """Fails and quotes what it was given, as a library might."""

    def predictions(self, ids, read, logits):
        if not self.armed:
            return self.classifier.predictions(ids, read, logits)
        try:
            raise KeyError(ids[0])
        except KeyError as error:
            raise ValueError(f"cannot score {ids}") from error


class Poisoned(Held):
    """Gives NaN for the whole run that holds one certain text, as a quantised network does."""

    def __init__(self, classifier, poison):
        super().__init__(classifier)
        self.poison = poison

    def on_run(self, windows):
        rows = super().on_run(windows)
        return np.full_like(rows, np.nan) if self.holds(windows, self.poison) else rows


class Choking(Poisoned):
    """Raises for the whole run that holds one certain text."""

    def on_run(self, windows):
        if self.holds(windows, self.poison):
            self.release.wait(timeout=20)
            raise RuntimeError(f"cannot run {self.poison}")
        return Held.on_run(self, windows)
