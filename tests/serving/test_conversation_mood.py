"""The mood of a conversation, and when it is an alarm."""

from __future__ import annotations

import pytest

from serving.conversation_mood import certain, combined, is_alarmed, mood_of

THRESHOLD = 0.32
CALM, FURIOUS = (0.7, 0.25, 0.04, 0.01), (0.02, 0.03, 0.15, 0.8)


def test_one_message_speaks_for_itself():
    assert combined([CALM]) == pytest.approx(CALM)


def test_the_last_message_weighs_most_and_the_others_half_of_the_one_after_them():
    assert combined([FURIOUS, CALM, CALM])[3] == pytest.approx((0.8 + 0.005 + 0.0025) / 1.75)
    assert sum(combined([FURIOUS, CALM] * 4)) == pytest.approx(1)


def test_a_sure_outburst_makes_a_calm_conversation_angry_and_thanks_do_not_hide_it_at_once():
    assert mood_of(combined([FURIOUS, CALM, CALM, CALM]), THRESHOLD) == "angry"
    assert mood_of(combined([CALM, FURIOUS, FURIOUS, FURIOUS]), THRESHOLD) == "angry"
    assert mood_of(combined([CALM, CALM, FURIOUS, FURIOUS]), THRESHOLD) == "satisfied"


def test_an_unsure_outburst_does_not():
    assert mood_of(combined([(0.2, 0.2, 0.25, 0.35), CALM, CALM]), THRESHOLD) != "angry"


def test_only_the_last_eight_count():
    assert combined([CALM] * 8 + [FURIOUS] * 50) == pytest.approx(CALM)


@pytest.mark.parametrize(
    ("angry", "states"),
    [
        ([0.1, 0.4, 0.5, 0.4], [False, True, True, True]),
        ([0.4, 0.3, 0.33, 0.2, 0.4], [True, True, True, True, True]),
        ([0.4, 0.15, 0.2, 0.31, 0.4], [True, False, False, False, True]),
    ],
)
def test_an_alarm_goes_off_only_well_below_where_it_went_on(angry, states):
    alarmed, seen = False, []
    for share in angry:
        alarmed = is_alarmed(alarmed, (1 - share, 0, 0, share), THRESHOLD)
        seen.append(alarmed)
    assert seen == states


def test_what_a_person_says_is_certain():
    assert mood_of(certain("angry"), THRESHOLD) == "angry"
    assert certain("neutral") == (0, 1, 0, 0)
