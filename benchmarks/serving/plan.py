"""What one load consists of, and what is kept of each of its requests; shared with the load generator's process."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

RIGHT: Final = 0
"""The answer holds one result, under the id that was sent."""
LOST: Final = 1
"""There is no answer, or it has no result for the id that was sent."""
DOUBLED: Final = 2
"""The id came back more than once, or one came back that had been answered before."""
WRONG: Final = 3
"""The answer holds a result under an id that was not sent with it."""

UNANSWERED: Final = 0
"""The status of a request that no answer came to."""

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Plan:
    """A load: of `clients` that each send when the last answer came, or else of `rate` arrivals a second.

    What comes in the `warm_up` seconds before the measured `seconds` is not counted. After the load's end, answers are
    waited for up to `patience` seconds. `probe_before` and `probe_after` are seconds in which only light requests are
    sent, ten a second: what an idle server takes, and when it is back to that.
    """

    route: str
    texts: str
    seed: int
    seconds: float
    warm_up: float
    patience: float
    clients: int = 0
    rate: float = 0.0
    probe_before: float = 0.0
    probe_after: float = 0.0

    def to_json(self) -> str:
        """For the load generator."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """In the load generator."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Record:
    """One row for each request, in seconds since the begin of the load.

    `due` is when it should have been sent, which latency is counted from; `sent` is when the load generator came to it.
    `text` is the position of the text, -1 for a probe.
    """

    text: npt.NDArray[np.int32]
    due: Numbers
    sent: Numbers
    ended: Numbers
    status: npt.NDArray[np.int16]
    answer: npt.NDArray[np.int8]

    @property
    def milliseconds(self) -> Numbers:
        """From when a request was due to the end of its answer."""
        return (self.ended - self.due) * 1000

    @property
    def probes(self) -> Flags:
        """Which requests are light ones."""
        return self.text < 0

    @property
    def good(self) -> Flags:
        """Which requests were answered with the right result."""
        found: Flags = (self.status == 200) & (self.answer == RIGHT)
        return found

    def save(self, path: Path) -> None:
        """Write a compact file."""
        with path.open("wb") as file:
            np.savez_compressed(file, **{each.name: getattr(self, each.name) for each in dataclasses.fields(self)})

    @classmethod
    def read(cls, path: Path) -> Record:
        """Read what `save` wrote."""
        with np.load(path) as kept:
            return cls(**{each.name: kept[each.name] for each in dataclasses.fields(cls)})
