"""What a well-formed request is answered."""

from __future__ import annotations

import json

import pytest

from model.labels import MOODS, TOPICS
from serving.http.schemas import ClassifyAnswer, ModelAnswer


def classify(client, **body):
    response = client.post("/v1/classify", json=body)
    assert response.status_code == 200, response.text
    ClassifyAnswer.model_validate_json(response.content)
    return response.json()["results"]


def test_texts_are_answered_in_their_order_with_their_ids_or_positions(client):
    results = classify(client, texts=["Great!", {"id": "seven", "text": "Late again."}, {"text": "Fine."}])
    assert [result["id"] for result in results] == ["0", "seven", "2"]
    assert [set(result["scores"]) for result in results] == [set(MOODS)] * 3
    assert [sum(result["scores"].values()) for result in results] == pytest.approx([1.0] * 3, abs=1e-5)


def test_one_text_by_itself_is_answered_as_a_list_of_one(client):
    assert [result["id"] for result in classify(client, text="Great!")] == ["0"]
    assert [result["id"] for result in classify(client, text="Great!", id="a")] == ["a"]


def test_all_topics_come_on_request_only(client):
    assert "all_topics" not in classify(client, texts=["Great!"])[0]
    [result] = classify(client, texts=["Great!"], all_topics=True)
    assert {topic["name"] for topic in result["all_topics"]} == set(TOPICS)


def test_an_empty_text_has_an_error_in_its_place_and_the_others_are_scored(client):
    results = classify(client, texts=["Great!", "  ", "Late again."])
    assert results[1]["id"] == "1"
    assert results[1]["error"]["code"] == "empty_text"
    assert "mood" in results[0]
    assert "mood" in results[2]


def test_an_empty_list_has_an_empty_answer(client):
    assert classify(client, texts=[]) == []


def test_scores_do_not_depend_on_the_texts_beside_it(client):
    texts = [f"Parcel {number} came late" for number in range(150)]
    together = classify(client, texts=texts)
    assert [result["id"] for result in together] == [str(number) for number in range(150)]
    [alone] = classify(client, text=texts[149])
    assert together[149]["scores"] == pytest.approx(alone["scores"], abs=1e-4)


def test_the_answer_names_the_weights_that_gave_it(client, tiny_classifier):
    named = client.post("/v1/classify", json={"text": "Great!"}).json()["model"]
    info = tiny_classifier.info
    assert named == {"name": info.name, "version": info.version, "sha256": info.sha256}


def test_the_model_route_tells_what_the_weights_know(client, tiny_classifier):
    response = client.get("/v1/model")
    assert response.status_code == 200
    ModelAnswer.model_validate_json(response.content)
    assert response.json() == json.loads(json.dumps(tiny_classifier.info.as_dict()))
