"""From rows of many sources to one sequence of training rows: which row is read when.

Large sources, languages and classes are tempered: a cell of n rows is drawn in proportion to
n^temperature (1 keeps the data's own shares, 0 makes all equal), as in multilingual pre-training
(Conneau et al. 2020, https://arxiv.org/abs/1911.02116, section 3.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from data.rows import FeedbackRow

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Mixture:
    """How one stage of training draws its rows.

    `shares` fixes the share of a source outright; the rest is divided among the other sources by
    temperature over languages, then over sources of a language, times the source's `weights`.
    """

    rows: int
    shares: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    language_temperature: float = 0.5
    source_temperature: float = 0.5
    class_temperature: float = 0.7


def draw(rows: Sequence[FeedbackRow], mixture: Mixture, *, seed: int) -> npt.NDArray[np.int64]:
    """Draws `mixture.rows` positions in `rows`; equal arguments give equal draws.

    A row comes again only when its cell (source, language, class) is used up, so that a small cell is
    repeated evenly instead of by chance.
    """
    rng = np.random.default_rng(seed)
    cells: dict[tuple[str, str, str], list[int]] = {}
    for position, row in enumerate(rows):
        cells.setdefault((row.source, row.lang, row.label), []).append(position)
    shares = _cell_shares({cell: len(members) for cell, members in cells.items()}, mixture)
    counts = _round_to_total({cell: share * mixture.rows for cell, share in shares.items()}, mixture.rows)
    drawn = [_cycle(np.asarray(cells[cell]), count, rng) for cell, count in counts.items() if count]
    sequence = np.concatenate(drawn) if drawn else np.empty(0, dtype=np.int64)
    rng.shuffle(sequence)
    return sequence.astype(np.int64)


def _cell_shares(sizes: Mapping[tuple[str, str, str], int], mixture: Mixture) -> dict[tuple[str, str, str], float]:
    """The share of each (source, language, class); shares sum to 1."""
    strata: dict[tuple[str, str], int] = {}
    for (source, lang, _), size in sizes.items():
        strata[source, lang] = strata.get((source, lang), 0) + size
    stratum_shares = _stratum_shares(strata, mixture)
    shares = {}
    for source, lang in strata:
        members = {cell: size for cell, size in sizes.items() if cell[:2] == (source, lang)}
        tempered = _tempered(members, mixture.class_temperature)
        shares.update({cell: stratum_shares[source, lang] * part for cell, part in tempered.items()})
    return shares


def _stratum_shares(strata: Mapping[tuple[str, str], int], mixture: Mixture) -> dict[tuple[str, str], float]:
    """The share of each (source, language): fixed sources first, the rest by temperature."""
    shares: dict[tuple[str, str], float] = {}
    sources = {source for source, _ in strata}
    fixed = {source: share for source, share in mixture.shares.items() if source in sources}
    for source, share in fixed.items():
        languages = {stratum: size for stratum, size in strata.items() if stratum[0] == source}
        for stratum, part in _tempered(languages, mixture.language_temperature).items():
            shares[stratum] = share * part
    free = {stratum: size for stratum, size in strata.items() if stratum[0] not in fixed}
    rest = (1.0 - sum(fixed.values())) if free else 0.0
    by_language: dict[str, int] = {}
    for (_, lang), size in free.items():
        by_language[lang] = by_language.get(lang, 0) + size
    for lang, language_share in _tempered(by_language, mixture.language_temperature).items():
        members = {stratum: size for stratum, size in free.items() if stratum[1] == lang}
        weighted = {
            stratum: part * mixture.weights.get(stratum[0], 1.0)
            for stratum, part in _tempered(members, mixture.source_temperature).items()
        }
        # The language keeps its share whatever its sources weigh, unless they all weigh nothing.
        total = sum(weighted.values())
        for stratum, part in weighted.items():
            shares[stratum] = rest * language_share * (part / total if total else 0.0)
    norm = sum(shares.values())
    return {stratum: share / norm for stratum, share in shares.items()}


def _tempered(sizes: Mapping[Key, int], temperature: float) -> dict[Key, float]:
    powered = {key: float(size) ** temperature for key, size in sizes.items()}
    total = sum(powered.values())
    return {key: value / total for key, value in powered.items()}


def _round_to_total(wanted: Mapping[Key, float], total: int) -> dict[Key, int]:
    """Rounds to whole rows so that they add up, largest remainders first."""
    counts = {key: int(value) for key, value in wanted.items()}
    by_remainder = sorted(wanted, key=lambda key: wanted[key] - counts[key], reverse=True)
    for key in by_remainder[: total - sum(counts.values())]:
        counts[key] += 1
    return counts


def _cycle(members: npt.NDArray[np.int64], count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    passes = -(-count // len(members))
    return np.concatenate([rng.permutation(members) for _ in range(passes)])[:count]
