"""The OpenAPI document and docs/http.md say what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from serving.http.errors import CODES, STATUSES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def document(client):
    return client.get("/openapi.json").json()


@pytest.fixture(scope="module")
def page():
    return (DOCS / "http.md").read_text(encoding="utf-8")


def test_operation_ids_are_those_that_clients_were_generated_from(document):
    ids = {path: {told["operationId"] for told in way.values()} for path, way in document["paths"].items()}
    assert ids == {
        "/v1/classify": {"classify"},
        "/v1/model": {"model"},
        "/v1/shadow": {"shadow"},
        "/v2/health/live": {"live"},
        "/v2/health/ready": {"ready"},
        "/metrics": {"metrics"},
    }


def test_every_error_of_every_route_is_documented_in_the_one_shape(document):
    for way in document["paths"].values():
        for told in way.values():
            errors = {status: it for status, it in told["responses"].items() if status != "200"}
            assert {int(status) for status in errors} <= set(STATUSES)
            shapes = {json.dumps(it["content"]["application/json"]) for it in errors.values()}
            assert shapes == {'{"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}'}


def test_every_reference_in_the_document_leads_somewhere(document):
    references = set(re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(document)))
    assert {"ManyTexts", "OneText", "Item"} <= references <= set(document["components"]["schemas"])


def test_both_bodies_are_described_with_strings_and_items(document):
    shapes = document["components"]["schemas"]
    assert shapes["ManyTexts"]["required"] == ["texts"]
    assert shapes["OneText"]["required"] == ["text"]
    assert shapes["OneText"]["properties"]["text"]["type"] == "string"
    item = shapes["ManyTexts"]["properties"]["texts"]["items"]
    assert [shape.get("type") for shape in item["oneOf"]] == ["string", None]
    assert {"$ref": "#/components/schemas/Item"} in item["oneOf"]


def test_the_interactive_page_is_served(client):
    response = client.get("/docs")
    assert response.status_code == 200
    assert "/openapi.json" in response.text


def test_the_page_names_every_route(page, document):
    for path in [*document["paths"], "/docs", "/openapi.json"]:
        assert f"`{path}`" in page or f" {path}`" in page, path


def test_the_page_has_the_table_of_errors(page):
    for status, meaning in STATUSES.items():
        codes = ", ".join(f"`{code}`" for code in CODES[status])
        assert f"| {status} | {codes} | {meaning} |" in page
