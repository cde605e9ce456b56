"""Numbers in words. A value from the data stands between the marks that isolate its direction of writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from serving.document.marks import CLOSE, OPEN
from serving.output import plain, shorten
from serving.report.content import (
    FEWEST_TEXTS,
    LEVEL,
    SMALLEST,
    Finding,
    Measure,
    Moods,
    Report,
    Sureness,
    TopicPart,
)
from serving.report.intervals import Share

SPACE: Final = "\u00a0"
_WIDEST: Final = 40

_TOPIC_WORDS: Final = {
    "product_quality": "product quality",
    "price": "price",
    "delivery": "delivery",
    "customer_service": "customer service",
    "billing": "billing",
    "returns_warranty": "returns and warranty",
    "app_website": "app and website",
    "facility": "facilities",
}
_MIXED: Final = 0.5  # so much of the good against the bad, in points, is no longer a side effect


def value_text(value: str) -> str:
    """A value of the data on one line, not too long, isolated."""
    return f"{OPEN}{shorten(plain(value), _WIDEST)}{CLOSE}"


def topic_words(topic: str | None) -> str:
    """A topic, or the lack of one. The name of an own topic is a value of the data, and isolated like one."""
    if topic is None:
        return "no topic"
    return _TOPIC_WORDS.get(topic) or value_text(topic)


def topic_title(topic: str) -> str:
    """A topic as a heading."""
    words = _TOPIC_WORDS.get(topic)
    return words.capitalize() if words else value_text(topic)


def topic_label(topic: str | None) -> str:
    """A topic in a picture, where nothing stands beside it."""
    return _TOPIC_WORDS.get(topic) or plain(topic) if topic else topic_words(topic)


def percent(share: float) -> str:
    """A share in words: whole percent, and a decimal where there are few."""
    hundred = 100 * share
    if 0 < hundred < 0.1:
        return f"under 0.1{SPACE}%"
    if 99.9 < hundred < 100:
        return f"over 99.9{SPACE}%"
    if (hundred < 9.95 or hundred > 99) and round(hundred, 1) != round(hundred):
        return f"{hundred:.1f}{SPACE}%"
    return f"{hundred:.0f}{SPACE}%"


def exact(share: float) -> str:
    """A share in a table: one decimal."""
    return f"{100 * share:.1f}{SPACE}%"


def many(count: int, noun: str) -> str:
    """A number of things."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def need(count: int, one: str, several: str) -> str:
    """The verb that goes with a number of things."""
    return one if count == 1 else several


def listed(words: Sequence[str], last: str = "and") -> str:
    """Words with commas, and another word before the last."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def points(share: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * share:+.1f}".replace("-", "−")


def finding_title(finding: Finding) -> str:
    """The slice that a finding is about, as a heading."""
    name = slice_name(finding)
    return name[0].upper() + name[1:] if finding.kind == "time" else name


def slice_name(finding: Finding) -> str:
    """The slice that a finding is about."""
    if finding.kind == "time":
        return str(finding.value)
    value = "without value" if finding.value is None else value_text(finding.value)
    return f"{'language' if finding.kind == 'language' else value_text(finding.column)} {value}"


def measure_name(measure: Measure) -> str:
    """What a measure counts."""
    if measure.mood is not None:
        return measure.mood
    return f"unhappy about {topic_words(measure.topic)}"


def measure_text(finding: Finding, measure: Measure) -> str:
    """A measure in words, with its size."""
    return (
        f"{percent(measure.here.share)} {measure_name(measure)}, "
        f"against {percent(measure.elsewhere.share)} {finding.elsewhere}"
    )


def measure_evidence(measure: Measure) -> str:
    """Sizes, interval and test behind a measure."""
    return (
        f"{count_of(measure.here)} texts against {count_of(measure.elsewhere)}: {points_text(measure)}; "
        f"p {p_text(measure)} after correction, {test_text(measure)}"
    )


def count_of(share: Share) -> str:
    """A share as the counts behind it."""
    return f"{share.count:,} of {share.of:,}"


def points_text(measure: Measure) -> str:
    """A difference in points, with its interval."""
    middle, low, high = measure.difference
    return f"{points(middle)} points, from {points(low)} to {points(high)}"


def p_text(measure: Measure) -> str:
    """The corrected p-value; of periods in a row, with how many it is the largest of."""
    value = f"<{SPACE}0.001" if measure.p_value < 0.001 else f"={SPACE}{measure.p_value:.3f}"
    return value if measure.largest_of == 1 else f"{value} (largest of {measure.largest_of:,} periods)"


def test_text(measure: Measure) -> str:
    """The test that the p-value is from."""
    return _TESTS[measure.test]


def sureness_sentences(sure: Sureness) -> tuple[str, ...]:
    """How far the moods can be trusted, and what is left for people to look at."""
    said = [
        f"By its own calibrated probabilities, the model expects {percent(sure.mean)} of these moods to be right.",
        f"{_review(sure)}: the model is too unsure there to act on its answer unseen.",
    ]
    if sure.truncated.count:
        longer = need(sure.truncated.count, "is", "are")
        said.append(
            f"{many(sure.truncated.count, 'text')} {longer} longer than what the model reads; the rest is unread."
        )
    return tuple(said)


def errors_sentence(rows: int, errors: Mapping[str, int]) -> str:
    """How many rows could not be scored, and why."""
    failed = sum(errors.values())
    if not failed:
        return f"All {many(rows, 'row')} could be scored." if rows > 1 else "The row could be scored."
    codes = listed([f"{code} {count:,}" for code, count in errors.items()])
    return f"{failed:,} of {many(rows, 'row')} ({percent(failed / rows)}) could not be scored: {codes}."


def methods(report: Report) -> tuple[str, ...]:
    """How the numbers came about and what they do not say."""
    said = [
        "Behind each share stands its 95 % interval (Wilson): what chance in who wrote leaves open. "
        "The mistakes of the model come on top.",
    ]
    looks = report.findings.looks
    if looks:
        said += [
            f"{many(looks, 'comparison')} {need(looks, 'was', 'were')} made, each of one period, language or group "
            f"of at least {FEWEST_TEXTS} texts with all others: chi-square test, or Fisher's exact test where fewer "
            "than 5 texts are expected in a cell. The p-values are corrected for all of them (Benjamini–Hochberg, "
            f"false discovery rate {percent(LEVEL)}), and differences under {100 * SMALLEST:.0f} points are left out. "
            "Unhappy means dissatisfied or angry. Periods in a row stand with all their texts, and with the largest "
            "p of those that differ by themselves.",
            "The tests take each text as written by itself. Many texts of one customer, or copies of one text, make "
            "differences look surer than they are.",
        ]
    if report.examples is not None:
        said.append(
            "Texts shown are chosen from a fair sample of the different ones that need no review: typical of their "
            "topic, moods in proportion, none nearly the same as another."
        )
    return tuple(said)


_TESTS: Final = {"chi-square": "chi-square test", "Fisher": "Fisher's exact test"}


def verdict(finding: Finding) -> str:
    """Whether what a finding tells is good or bad on the whole."""
    worse = sum(abs(each.difference[0]) for each in finding.measures if _is_worse(each))
    better = sum(abs(each.difference[0]) for each in finding.measures if not _is_worse(each))
    if min(worse, better) > _MIXED * max(worse, better):
        return "Mixed"
    return "Worse" if worse > better else "Better"


def _is_worse(measure: Measure) -> bool:
    return (measure.mood != "satisfied") == (measure.difference[0] > 0)


def plain_value(value: str) -> str:
    """A value of the data on one line, not too long, for a place of its own."""
    return shorten(plain(value), _WIDEST)


def span(share: Share) -> str:
    """The ends of an interval."""
    return f"{100 * share.low:.1f} to {100 * share.high:.1f}"


def shares_text(moods: Moods) -> str:
    """The moods of a chart in words."""
    return listed([f"{mood} {exact(share.share)}" for mood, share in moods.items()])


def topics_text(parts: Sequence[TopicPart]) -> str:
    """The topics of a chart in words."""
    return listed([f"{topic_words(part.topic)} {exact(part.of_angry.share)}" for part in parts])


def review_sentence(report: Report) -> str:
    """How much is left for people to look at."""
    failed = sum(report.errors.values())
    review = _review(report.sureness) if report.sureness else ""
    return (
        f"{review}; {many(failed, 'row')} could not be scored." if failed else f"{review}; every row could be scored."
    )


def _review(sure: Sureness) -> str:
    count = sure.needs_review.count
    return f"{many(count, 'text')} ({percent(sure.needs_review.share)}) {need(count, 'needs', 'need')} review"
