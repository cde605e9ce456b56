"""Requests that nobody thought of: any text, and whatever the OpenAPI document allows or forbids."""

from __future__ import annotations

import hashlib
import json

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from serving.http.schemas import ClassifyAnswer

# Lone surrogates are among the characters: JSON can write them, and chat systems do.
KEY = "a key for the tests"
JSON = {"Content-Type": "application/json"}
any_text = st.text(st.characters(), max_size=300)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(any_text, max_size=8))
def test_any_texts_have_a_prediction_or_a_documented_error_each(client, texts):
    response = client.post("/v1/classify", content=json.dumps({"texts": texts}), headers=JSON)
    assert response.status_code == 200
    results = ClassifyAnswer.model_validate_json(response.content).results
    assert [result.id for result in results] == [str(at) for at in range(len(texts))]


# What header parsers stumble over, put together at random.
PIECES = ("application/json", "; charset", "*", "0", "=", "'", "''", "utf-8", '"', "%E2", "%", "\\", "\xe9", ";", " ",
          "\t", "idna", "punycode", "undefined", "hex''aa", "=?utf-8?q?x?=", "Bearer ", "identity", "gzip",
          ",")  # fmt: skip
odd_header = st.lists(st.sampled_from(PIECES), max_size=7).map("".join)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["Content-Type", "Content-Encoding", "Authorization", "X-Request-Id"]), value=odd_header)
def test_any_header_has_an_answer_or_a_documented_error(client, name, value):
    headers = {b"Content-Type": b"application/json", name.encode(): value.strip().encode("latin-1")}
    response = client.post("/v1/classify", content=b'{"text": "Great!"}', headers=list(headers.items()))
    assert response.status_code in (200, 415)


@pytest.fixture(scope="module")
def api(start_server, tiny_classifier):
    """The document of a server that asks for a key, as it says; on loopback without keys it would let everyone in."""
    with start_server(lambda: tiny_classifier, keys=hashlib.sha256(KEY.encode()).hexdigest()) as server:
        server.wait_until_ready()
        yield schemathesis.openapi.from_url(f"{server.client.base_url}/openapi.json")


@pytest.mark.parametrize(
    ("operation_id", "mode"),
    [
        ("classify", GenerationMode.POSITIVE),
        ("classify", GenerationMode.NEGATIVE),
        # These take nothing that could be wrong.
        ("model", GenerationMode.POSITIVE),
        ("shadow", GenerationMode.POSITIVE),
        ("metrics", GenerationMode.POSITIVE),
        ("live", GenerationMode.POSITIVE),
        ("ready", GenerationMode.POSITIVE),
    ],
)
def test_the_api_is_as_its_document_says(api, operation_id, mode):
    """No 5xx, no undocumented status or type, no answer that breaks its schema, nothing wrong let through."""

    @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(case=api.find_operation_by_id(operation_id).as_strategy(generation_mode=mode))
    def holds(case):
        case.call_and_validate(headers={"Authorization": f"Bearer {KEY}"})

    holds()


def test_every_operation_is_tried(api):
    assert api.statistic.operations.total == 6
