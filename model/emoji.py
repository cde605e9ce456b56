"""Emoji that the encoder's vocabulary lacks, and the known one that is nearest in meaning.

The vocabulary was learned before some of them existed; without this table 🤬 alone would say nothing.
"""

from __future__ import annotations

from typing import Final

_NEAREST: Final = {
    "😡": "🤬🖕",
    "😠": "😾",
    "👿": "👹👺",
    "👎": "💩🗑",
    "😖": "🤢🤮",
    "😱": "🤯",
    "😵": "🥴🫨",
    "😓": "🥵",
    "😨": "🥶",
    "😦": "😧🫢",
    "😢": "🥺🥲🥹",
    "😷": "🤒🤕🤧",
    "😴": "🥱",
    "😶": "🤐🤫🫥",
    "😒": "🤥🫤",
    "🤔": "🧐",
    "😅": "🫠",
    "😎": "🤠🥸",
    "🎉": "🥳🪅",
    "❤": "🤍🤎🩷🩵🩶🫶",
    "👊": "🤛🤜",
    "✋": "🤚🖖🫷🫸",
    "👍": "🫡",
}

NEAREST_KNOWN: Final[dict[int, str]] = {ord(each): known for known, unknown in _NEAREST.items() for each in unknown}
"""For `str.translate`."""
