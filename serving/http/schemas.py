"""Shapes of requests and answers; the request's are enforced, the answer's documented and tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi.exceptions import RequestValidationError
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from model.labels import Mood
from serving.http.errors import ApiError

_STRING: Final = "<string>"
_ITEM: Final = "<item>"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def _any_string(value: object) -> str:
    # Pydantic's own check refuses a lone surrogate; that must spoil its own item, not the request.
    if not isinstance(value, str):
        raise PydanticCustomError("not_text", "must be a string")
    return value


def _encodable(value: str | None) -> str | None:
    # An id is echoed, and many JSON readers refuse a whole answer for one lone surrogate.
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("bad_id", "must not hold half a character (a lone surrogate)") from None
    return value


Text = Annotated[
    str,
    PlainValidator(_any_string, json_schema_input_type=str),
    Field(description="A customer's text, in any language."),
]
Id = Annotated[
    str | None,
    AfterValidator(_encodable),
    Field(description="Comes back with the answer; the position where there is none."),
]
AllTopics = Annotated[bool, Field(description="Give the scores of all topics, not only of those found.")]


class Item(_Strict):
    """One text with an id of its own."""

    text: Text
    id: Id = None


def _kind(value: object) -> str | None:
    if isinstance(value, str):
        return _STRING
    return _ITEM if isinstance(value, dict | Item) else None


class ManyTexts(_Strict):
    """Any number of texts, each a string or an object with an id."""

    texts: list[
        Annotated[
            Annotated[Text, Tag(_STRING)] | Annotated[Item, Tag(_ITEM)],
            Discriminator(
                _kind,
                custom_error_type="not_item",
                custom_error_message="must be a string or an object with id and text",
            ),
        ]
    ]
    all_topics: AllTopics = False


class OneText(_Strict):
    """One text by itself."""

    text: Text
    id: Id = None
    all_topics: AllTopics = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What a valid request asks for; `ids` and `texts` are of equal length."""

    texts: list[str]
    ids: list[str]
    all_topics: bool


def read_asked(body: object, max_texts: int) -> Asked:
    """Check the parsed body.

    Raises:
        ApiError: 413 too many texts, 422 neither or both of `texts` and `text`.
        RequestValidationError: a field is missing or wrong.
    """
    if not isinstance(body, dict) or ("texts" in body) == ("text" in body):
        raise ApiError(422, "invalid_field", "the body must be an object with either texts or text")
    texts = body.get("texts")
    if isinstance(texts, list) and len(texts) > max_texts:
        raise ApiError(413, "too_many_texts", f"a request may hold at most {max_texts} texts")
    _require_known_fields(body)
    try:
        if "text" in body:
            one = OneText.model_validate(body)
            items, all_topics = [Item(text=one.text, id=one.id)], one.all_topics
        else:
            many = ManyTexts.model_validate(body)
            items = [Item(text=each) if isinstance(each, str) else each for each in many.texts]
            all_topics = many.all_topics
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        for problem in problems:
            # Which shape of a text was taken is no part of where it stands in the body.
            problem["loc"] = tuple(part for part in problem["loc"] if part not in (_STRING, _ITEM))
        raise RequestValidationError(problems) from None
    ids = [str(position) if item.id is None else item.id for position, item in enumerate(items)]
    return Asked([item.text for item in items], ids, all_topics)


def _require_known_fields(body: dict[str, object]) -> None:
    # Before the fields are checked: that would make an error of each of the thousands of a hostile body.
    texts = body.get("texts")
    items = texts if isinstance(texts, list) else []
    shape = OneText if "text" in body else ManyTexts
    places: list[tuple[str | int, ...]] = [] if body.keys() <= shape.model_fields.keys() else [("",)]
    places += [
        ("texts", at, "")
        for at, item in enumerate(items)
        if isinstance(item, dict) and not item.keys() <= Item.model_fields.keys()
    ]
    if places:
        raise RequestValidationError([{"type": "extra_forbidden", "loc": place, "msg": ""} for place in places])


class TopicAnswer(BaseModel):
    """A topic and the calibrated probability that the text speaks of it."""

    name: str
    score: float = Field(ge=0, le=1)


class PredictionAnswer(_Strict):
    """How one customer feels and what about."""

    id: str
    mood: Mood
    scores: dict[Mood, float] = Field(description="Calibrated probability of each mood; their sum is 1.")
    topics: list[TopicAnswer] = Field(description="Topics over their threshold, best first.")
    all_topics: list[TopicAnswer] = Field(
        default=[], description="All topics, best first; only where the request asked for them."
    )
    needs_review: bool = Field(description="Not sure enough to act on unseen.")
    truncated: bool = Field(description="The text was longer than what was read.")
    tokens: int = Field(description="Pieces read.")


class Problem(BaseModel):
    """Why one text has no prediction."""

    code: str
    message: str


class RejectionAnswer(_Strict):
    """Stands in the place of a prediction where a text cannot be scored; the others are."""

    id: str
    error: Problem


class ModelName(BaseModel):
    """Which weights answered."""

    name: str
    version: str
    sha256: str


class ClassifyAnswer(_Strict):
    """One result for each text, in the order of the request."""

    model: ModelName
    results: list[PredictionAnswer | RejectionAnswer]


class ModelAnswer(ModelName):
    """The weights in use: speed, backend, labels, languages, limits, thresholds and what they were trained on."""

    speed: str
    backend: str
    labels: dict[str, list[str]]
    languages: dict[str, list[str]]
    limits: dict[str, int]
    thresholds: dict[str, Any]
    trained_on: list[Any]


class Agreement(BaseModel):
    """Share of the texts to which both give the same mood, with its 95 % interval (Wilson)."""

    share: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)


class TopicChanges(BaseModel):
    """Texts in which only the shadow finds a topic, and in which only the first does."""

    gained: int = Field(ge=0)
    lost: int = Field(ge=0)


class ShadowAnswer(_Strict):
    """What the second weights, which answer nobody, say of texts that were answered since the server was started."""

    model: ModelName
    shadow: ModelName
    running: bool = Field(description="Whether its process runs; one that ended is started again.")
    since: str = Field(description="When counting began, in ISO 8601.")
    waiting: int = Field(ge=0, description="Texts that wait for the shadow.")
    dropped: int = Field(ge=0, description="Texts that were not compared, as the shadow could not keep up.")
    texts: int = Field(ge=0, description="Texts that both have scored.")
    unscored: int = Field(ge=0, description="Texts that the shadow could not score.")
    agreement: Agreement | None = Field(description="None where no text has been compared.")
    moods: dict[Mood, dict[Mood, int]] = Field(description="Texts by the mood answered, then by the shadow's.")
    topics: dict[str, TopicChanges] = Field(description="By topic, of those that both know.")
    topics_of_one: dict[str, list[str]] = Field(description="Topics that only the first or only the shadow knows.")
    mean_score_change: float | None = Field(
        description="Mean over the texts of the largest change of a mood's probability."
    )


class LiveAnswer(BaseModel):
    """The process answers."""

    live: bool


class ReadyAnswer(BaseModel):
    """The weights are loaded and a text has been scored with them."""

    ready: bool


class ErrorDetails(BaseModel):
    """What went wrong; `request_id` finds it in the server's log."""

    code: str
    message: str
    request_id: str


class ErrorAnswer(BaseModel):
    """The one error shape of the API."""

    error: ErrorDetails
