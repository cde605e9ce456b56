"""The plain FastAPI app: a function that scores its one text in FastAPI's thread pool, without any batching."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from benchmarks.serving.contestants.shared import answer, load_classifier, score


class Item(BaseModel):
    """One text and its id."""

    id: str
    text: str


class Texts(BaseModel):
    """The body of a request."""

    texts: list[Item]


app = FastAPI()
classifier = load_classifier()


@app.get("/health")
def health() -> dict[str, bool]:
    """Answer once the weights are loaded."""
    return {"ready": True}


@app.post("/v1/classify")
def classify(body: Texts) -> dict[str, Any]:
    """Score the text of one request."""
    return answer(classifier, score(classifier, [item.model_dump() for item in body.texts]))
