"""Own topics, which a weights folder has beside those of all weights: scored, shown, counted, kept and told."""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
from types import SimpleNamespace

import httpx
import pyarrow.parquet as pq
import pytest
from chat_systems import say
from fake_systems import running_fake
from stores import KINDS, count, rows
from table_files import read_rows, write_rows

from data.sources import read_source
from model.labels import MAX_OWN_TOPICS, MOODS, TOPICS, own_topic_fault
from serving.batch.results import kept, packed, unpacked
from serving.cli import main
from serving.cluster.assemble import assemble, find_runs
from serving.cluster.inputs import Input
from serving.cluster.job import fingerprint
from serving.cluster.scorer import Scorer
from serving.http.schemas import ClassifyAnswer
from serving.inbox.pages import topic_buttons
from serving.outbox import sender
from serving.outbox.targets import TARGETS
from serving.score import score
from serving.store.actions import UnknownTopicError, correct
from serving.store.outbox import Item
from serving.store.scores import Policy
from serving.store.tables import conversations, corrections, join_topics, messages, outbox, split_topics
from serving.store.topic_labels import LABELS, topic_labels
from tests.conftest import OWN_TOPICS

PARCEL, INVOICE = OWN_TOPICS
LOST = "you thieves the parcel is a scam!!!"
WRONG = "the invoice was late and broken"
TEXTS = [LOST, WRONG, "great room thanks", "ممتاز شكرا", ""]


def named(answer):
    return [topic.name for topic in answer.topics]


@pytest.fixture(scope="module")
def expected(own_topics_classifier):
    """The topics of each of TEXTS; the own ones are among them, or no test of this page could fail."""
    found = [named(answer) if hasattr(answer, "topics") else [] for answer in own_topics_classifier.classify(TEXTS)]
    assert {*OWN_TOPICS} <= {*found[0]}
    assert {*found[1]}.intersection(OWN_TOPICS) == {INVOICE}
    assert not {*found[2]}.intersection(OWN_TOPICS)
    return found


def test_they_have_scores_and_thresholds_like_any_other(own_topics_classifier, tiny_classifier):
    heads, kept_texts = tiny_classifier.logits(TEXTS)
    warmth = tiny_classifier.info.config.temperatures.topics
    answers, before = own_topics_classifier.classify(TEXTS), tiny_classifier.classify(TEXTS)
    for at, anger, (satisfied, _, unhappy) in zip(kept_texts, heads.anger, heads.satisfaction, strict=True):
        scores = {topic.name: topic.score for topic in answers[at].all_topics}
        assert list(scores.values()) == sorted(scores.values(), reverse=True)
        assert scores[PARCEL] == pytest.approx(1 / (1 + math.exp(-anger / warmth)), rel=1e-4)
        assert scores[INVOICE] == pytest.approx(1 / (1 + math.exp((satisfied - unhappy) / warmth)), rel=1e-4)
        assert [topic.name for topic in answers[at].topics] == [name for name, score in scores.items() if score >= 0.5]
        assert {topic.name: topic.score for topic in before[at].all_topics} == pytest.approx(
            {name: score for name, score in scores.items() if name in TOPICS}
        )
        assert answers[at].scores == pytest.approx(before[at].scores)


@pytest.mark.usefixtures("expected")
def test_rida_classify_and_rida_model_show_them(own_topics_weights, capsys):
    assert main(["classify", LOST, WRONG, "--weights", str(own_topics_weights)]) == 0
    shown = capsys.readouterr().out
    assert re.search(rf"topics: .*{PARCEL} \d+ %", shown)
    # What runs from right to left keeps its direction to itself.
    assert f"\u2068{INVOICE}\u2069 " in shown
    assert main(["classify", LOST, "--json", "--all-topics", "--weights", str(own_topics_weights)]) == 0
    assert {*OWN_TOPICS} < {topic["name"] for topic in json.loads(capsys.readouterr().out)["all_topics"]}
    assert main(["model", "--json", "--weights", str(own_topics_weights)]) == 0
    known = json.loads(capsys.readouterr().out)
    assert known["labels"]["topics"] == [*TOPICS, *OWN_TOPICS]
    assert [*known["thresholds"]["topics"]] == [*TOPICS, *OWN_TOPICS]
    assert main(["model", "--weights", str(own_topics_weights)]) == 0
    assert all(own in capsys.readouterr().out for own in [PARCEL])


@pytest.mark.parametrize("name", ["out.csv", "out.tsv", "out.jsonl", "out.parquet", "out.xlsx"])
def test_rida_score_writes_them_in_every_format(tmp_path, own_topics_weights, expected, name):
    source = write_rows(tmp_path / "in.csv", [{"text": text} for text in TEXTS])
    output = tmp_path / name
    assert main(["score", source, "--output", str(output), "--weights", str(own_topics_weights)]) == 1
    read = [row["topics"] for row in read_rows(output)]
    split = [each.split(";") if isinstance(each, str) and each else each or [] for each in read]
    assert split == expected


def test_the_journal_gives_them_back(own_topics_classifier):
    results = [kept(answer) for answer in own_topics_classifier.classify(TEXTS)]
    assert unpacked(packed("digest", results)) == ("digest", results)


def test_a_worker_of_ray_scores_with_them_what_rida_score_does_here(
    tmp_path, own_topics_weights, own_topics_classifier, monkeypatch
):
    monkeypatch.setattr(os, "environ", {**os.environ})
    source = write_rows(tmp_path / "in.parquet", [{"text": text} for text in TEXTS])
    here, there = tmp_path / "here.parquet", tmp_path / "there.parquet"
    score([source], str(here), classifier=own_topics_classifier, progress=False)
    (tmp_path / "parts").mkdir()
    given = pq.read_table(source)
    part = Scorer(weights=str(own_topics_weights), threads=1)(given.add_column(0, "path", [[source] * len(given)]))
    pq.write_table(part, tmp_path / "parts" / "x_y_000000-0.parquet")
    one = Input(tmp_path / "in.parquet", "in.parquet")
    runs = find_runs(tmp_path / "parts")[source]
    assemble(one, fingerprint(one.path), runs, there, text_column="text")
    assert pq.read_table(there)["topics"].to_pylist() == pq.read_table(here)["topics"].to_pylist()


@pytest.fixture(scope="module")
def server(start_server, own_topics_classifier):
    with start_server(lambda: own_topics_classifier) as running:
        running.wait_until_ready()
        yield running


def test_the_server_answers_with_them_and_its_metrics_count_them(server, expected):
    topics = server.client.get("/v1/model").json()["labels"]["topics"]
    assert topics == [*TOPICS, *OWN_TOPICS]
    # A series that begins with its first text would hide that text from a rate.
    lines = server.client.get("/metrics").text
    assert all(f'rida_topics_total{{topic="{topic}"}} 0.0' in lines for topic in topics)
    answer = server.client.post("/v1/classify", json={"texts": TEXTS, "all_topics": True}).json()
    results = ClassifyAnswer.model_validate(answer).results
    assert [[topic.name for topic in getattr(result, "topics", [])] for result in results] == expected
    assert {topic.name for topic in results[0].all_topics} == {*topics}
    flat = [topic for found in expected for topic in found]
    assert {topic: server.metric("rida_topics_total", topic=topic) for topic in topics} == {
        topic: flat.count(topic) for topic in topics
    }


@pytest.mark.parametrize(
    ("topic", "label"),
    [
        ("delivery", "rida-delivery"),
        ("lost parcel", "rida-lost_parcel"),
        ("App Crash!", "rida-app_crash"),
        ("wi-fi / 5G, roaming", "rida-wi-fi_5g_roaming"),
        ("فاتورة خاطئة", "rida-فاتورة_خاطئة"),
        ("کیف\u200cپول", "rida-کیفپول"),
        ("chậm trễ", "rida-chậm_trễ"),
        ("सामान", "rida-समन"),
        ("ＦＵＬＬ ｗｉｄｔｈ", "rida-full_width"),
    ],
)
def test_a_label_has_only_what_every_helpdesk_takes(topic, label):
    assert own_topic_fault(topic) is None or topic in TOPICS
    assert topic_labels([topic]) == {topic: label}


@pytest.mark.parametrize("topic", ["!!!", "✈️", "angry", "Delivery", "customer service"])
def test_a_label_that_would_be_empty_or_anothers_gets_a_digest(topic):
    (label,) = topic_labels([topic]).values()
    assert label not in LABELS
    assert re.fullmatch(r"rida-\w+_[0-9a-f]{6}", label)


def test_no_two_topics_share_a_label_and_each_keeps_its_own():
    topics = (*TOPICS, "lost parcel", "Lost Parcel", "lost-parcel", "lost  parcel", "!", "?")
    labels = topic_labels(topics)
    assert [*labels] == [*topics]
    assert len({*labels.values()}) == len(topics)
    assert labels["lost parcel"] == topic_labels(["lost parcel"])["lost parcel"]


def test_a_name_with_commas_comes_out_of_the_store_as_it_went_in():
    topics = ("price, too high", "a,b", ",", "delivery")
    assert split_topics(join_topics(topics)) == topics
    assert split_topics(join_topics([])) == ()


@pytest.fixture(params=KINDS)
def corrected(request, start_desk, new_store, own_topics_classifier, monkeypatch):
    """Two servers on a store, one after the other, with the weights of all and with own topics; the second goes on."""
    store = new_store(request.param)
    monkeypatch.setenv("RIDA_STORE", store)
    with start_desk(store) as server:
        say(server.client, "generic", LOST, 1)
        server.wait_for(lambda: count(store, messages, messages.c.status == "scored") == 1)
        desk = server.service.desk
        desk.database.change(correct, 1, desk.policy(), by="Sara", topic="price")
        with pytest.raises(UnknownTopicError):
            desk.database.change(correct, 1, desk.policy(), by="Sara", topic=PARCEL)
    with start_desk(store, own_topics_classifier) as server:
        say(server.client, "generic", WRONG, 2)
        say(server.client, "generic", LOST, 3)
        server.wait_for(lambda: count(store, messages, messages.c.status == "scored") == 3)
        yield server, store


def test_corrections_say_of_each_text_which_topics_its_weights_knew(corrected, tmp_path, expected, capsys):
    server, _ = corrected
    desk = server.service.desk
    desk.database.change(correct, 2, desk.policy(), by="Sara", topic=PARCEL)
    desk.database.change(correct, 3, desk.policy(), by="Sara", mood="neutral")
    assert main(["corrections", "export", "--output", str(tmp_path / "out")]) == 0
    first, second, third = read_source(tmp_path / "out")
    assert first.topics_covered == TOPICS
    assert second.topics_covered == (*TOPICS, *OWN_TOPICS)
    assert {*second.topics} == {*expected[1], PARCEL}
    assert (third.topics, third.mood) == (None, "neutral")
    capsys.readouterr()
    assert main(["corrections", "report", "--json"]) == 0
    by_topic = {line["name"]: line for line in json.loads(capsys.readouterr().out)["topic"]}
    assert [*by_topic] == [*TOPICS, *sorted(OWN_TOPICS)]
    assert by_topic[PARCEL] == {"name": PARCEL, "messages": 1, "said": 1, "changed": 1}
    assert main(["corrections", "report"]) == 0
    assert f"\u2068{INVOICE}\u2069" in capsys.readouterr().out


def test_a_mood_said_later_keeps_what_was_known_when_the_topics_were_said(corrected, tmp_path):
    server, _ = corrected
    desk = server.service.desk
    desk.database.change(correct, 1, desk.policy(), by="Sara", mood="satisfied")
    assert main(["corrections", "export", "--output", str(tmp_path / "out")]) == 0
    (row,) = read_source(tmp_path / "out")
    assert (row.mood, row.topics_covered) == ("satisfied", TOPICS)


def test_a_store_takes_as_many_topics_as_weights_may_have(corrected):
    server, store = corrected
    desk = server.service.desk
    policy = desk.policy()
    own = tuple(f"own topic, number {number}: {'x' * 30}" for number in range(MAX_OWN_TOPICS))
    many = Policy(policy.angry_threshold, policy.targets, (*TOPICS, *own))
    for topic in reversed(own[:5]):
        desk.database.change(correct, 1, many, by="Sara", topic=topic)
    assert split_topics(rows(store, corrections)[0]["own_topics"]) == own
    said = split_topics(rows(store, conversations)[0]["topics"])
    assert tuple(topic for topic in said if topic not in TOPICS) == own[:5]


LABELLED = ("chatwoot", "zendesk", "zammad")


@pytest.mark.usefixtures("expected")
def test_helpdesks_get_labels_of_them_which_go_again_with_their_topic_and_with_their_weights(
    start_desk, own_topics_classifier, monkeypatch
):
    monkeypatch.setattr(sender, "_LOOK_SECONDS", 0.05)
    label = topic_labels(OWN_TOPICS)[PARCEL]
    with running_fake() as (told, url):
        settings = told.settings(url, *LABELLED)

        def labels():
            return {key: {*there} for key, there in told.labels.items()}

        def done():
            return not count(store, outbox, outbox.c.status != "done")

        with start_desk(None, own_topics_classifier, **settings) as server:
            store, desk = server.service.settings.store, server.service.desk
            for system in LABELLED:
                told.labels[system, "1/7" if system == "chatwoot" else "7"] = ["vip", "rida-vip"]
                say(server.client, system, LOST, 7)
            server.wait_for(lambda: count(store, outbox) == len(LABELLED) and done())
            assert all({"vip", "rida-vip", "rida-angry", label} <= there for there in labels().values())
            for number in range(1, 4):
                desk.database.change(correct, number, desk.policy(), by="Sara", topic=PARCEL)
            server.wait_for(lambda: done() and not any(label in there for there in labels().values()))
            for number in range(1, 4):
                desk.database.change(correct, number, desk.policy(), by="Sara")
            server.wait_for(lambda: done() and all(label in there for there in labels().values()))
        with start_desk(store, **settings) as server:
            desk = server.service.desk
            for number in range(1, 4):
                desk.database.change(correct, number, desk.policy(), by="Sara", topic=PARCEL)
            server.wait_for(lambda: done() and not any(label in there for there in labels().values()))
        assert all({"vip", "rida-vip", "rida-angry"} <= there for there in labels().values())


def test_slack_shows_a_name_as_it_is_and_calls_nobody():
    sent = []

    def answer(request):
        sent.append(json.loads(request.content)["text"])
        return httpx.Response(200, json={"ok": True})

    async def tell():
        payload = {"topics": ["<!channel> & co"], "system": "generic", "conversation": "7", "scores": {"angry": 0.9}}
        item = Item(1, "slack", "key", payload, 1, 1, 0, unsure=False, ours=LABELS)
        (slack,) = (target for target in TARGETS if target.name == "slack")
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://slack") as client:
            await slack.send(client, item, SimpleNamespace(slack_channel="C9"))

    asyncio.run(tell())
    assert sent == ["An angry customer about &lt;!channel&gt; &amp; co: generic 7 (90 %)"]


def test_of_own_topics_the_first_have_digits_and_what_a_message_was_said_to_speak_of_always_has_a_button():
    buttons = topic_buttons(
        (*TOPICS, *(f"own {number}" for number in range(9))), ("own 8", "of other weights", "price")
    )
    assert [key for key, _ in buttons] == [*"qpdsbwaf", *"567890", "", ""]
    assert [topic for _, topic in buttons[8:]] == [
        *(f"own {number}" for number in range(6)),
        "own 8",
        "of other weights",
    ]
    assert not {*"567890"} & {str(number) for number, _ in enumerate(MOODS, start=1)}
