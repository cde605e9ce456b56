"""What the model card says of speed "fast"."""

from __future__ import annotations

from pathlib import Path

from model.config import Fast, WeightsConfig, read_config
from model.manifest import CARD, CONFIG
from training.margins import ALL
from training.report import percent

_HEADING = '## Speed "fast"'
_BEFORE = "## Trained on"


def speed_section(config: WeightsConfig) -> list[str]:
    """Both speeds side by side, on validation rows; nothing where there is but one."""
    if config.fast is None:
        return []
    return [
        _HEADING,
        "",
        "A small graph, taught by the full one (`rida distil`), reads every text; the full one reads what it leaves "
        f"open, {percent(config.fast.passed_on)} % of validation texts: those with a decision on the mood within "
        f"{config.fast.margins.moods:g}, or on a topic within {config.fast.margins.topics:g}, of another one in log "
        "odds. These margins were chosen on the same validation rows as the figures below, in per cent: full, then "
        "fast.",
        "",
        "| | mood macro-F1 | topics micro-F1 | angry found at 5 % false alarms |",
        "|---|--:|--:|--:|",
        *(_row(config.fast, lang) for lang in config.fast.full.mood_macro_f1),
        "",
    ]


def _row(fast: Fast, lang: str) -> str:
    cells = []
    for name in ("mood_macro_f1", "topic_micro_f1", "angry_recall_at_5"):
        full, found = getattr(fast.full, name).get(lang), getattr(fast.fast, name).get(lang)
        cells.append("" if full is None or found is None else f"{percent(full)}, {percent(found)}")
    return f"| {'all languages' if lang == ALL else lang} | {' | '.join(cells)} |"


def note_speed(folder: Path) -> None:
    """Puts the section into the card of a weights folder, in the place of one that is there, or takes that away."""
    card = folder / CARD
    text = card.read_text(encoding="utf-8") if card.exists() else ""
    begun, _, rest = text.partition(f"{_HEADING}\n")
    text = begun + "".join(rest.partition("\n## ")[1:]).lstrip()
    before, heading, after = text.partition(f"{_BEFORE}\n")
    section = "".join(f"{line}\n" for line in speed_section(read_config(folder / CONFIG)))
    card.write_text(f"{before.rstrip()}\n\n{section}{heading}{after}".lstrip(), encoding="utf-8")
