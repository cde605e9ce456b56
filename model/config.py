"""`config.json` of a weights folder: what the network's numbers mean and how to read them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from model.errors import WeightsError
from model.labels import MAX_OWN_TOPICS, MOODS, TOPICS, own_topic_fault

FORMAT = 1
"""Version of the weights folder's layout; another one is refused."""

Probability = Annotated[float, Field(ge=0, le=1)]
Temperature = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Languages(_Section):
    """Languages that the weights were trained on, as ISO 639 codes."""

    first_class: tuple[str, ...]
    supported: tuple[str, ...]


class Limits(_Section):
    """How much of a text is read, and how it is cut and batched."""

    max_characters: Annotated[int, Field(ge=1)]
    max_tokens: Count
    window_tokens: Annotated[int, Field(ge=4)]
    tokens_per_batch: Count

    @model_validator(mode="after")
    def _window_fits(self) -> Limits:
        if self.window_tokens > self.tokens_per_batch:
            raise ValueError("window_tokens must not exceed tokens_per_batch")
        return self


class Temperatures(_Section):
    """What each head's logits are divided by so that its probabilities are calibrated."""

    satisfaction: Temperature = 1.0
    anger: Temperature = 1.0
    topics: Temperature = 1.0


class Biases(_Section):
    """What is added to a class's logit after its temperature: training draws rare classes more often than
    they are met, and this takes it back.
    """

    satisfied: float = 0.0
    neutral: float = 0.0
    angry: float = 0.0


class Thresholds(_Section):
    """Where a probability becomes a decision; chosen on validation rows, adjustable by the user."""

    angry: Probability
    needs_review: Probability
    topics: dict[str, Probability]


class Calibration(NamedTuple):
    """All that stands between logits and probabilities."""

    temperatures: Temperatures = Temperatures()
    biases: Biases = Biases()


class TrainedOn(_Section):
    """A source that the weights learned from."""

    name: str
    title: str
    licence: str


class Margins(_Section):
    """How far, in log odds, the small graph's decisions on moods and topics must be from others to stand."""

    moods: Annotated[float, Field(ge=0)]
    topics: Annotated[float, Field(ge=0)]


class SpeedFigures(_Section):
    """What was measured of one speed on validation rows; by language where it says so, from 0 to 1."""

    mood_macro_f1: dict[str, Probability]
    topic_micro_f1: dict[str, Probability]
    angry_recall_at_5: dict[str, Probability]


class Fast(_Section):
    """The small graph that answers what it is sure of, and how the answers stand beside those of the full one alone."""

    margins: Margins
    passed_on: Probability
    full: SpeedFigures
    fast: SpeedFigures


Speed = Literal["full", "fast"]
Backend = Literal["onnxruntime", "openvino"]


class WeightsConfig(_Section):
    """The whole of `config.json`."""

    format: Literal[1]  # FORMAT
    name: str
    version: str
    moods: tuple[str, ...]
    topics: tuple[str, ...]
    languages: Languages
    limits: Limits
    temperatures: Temperatures
    biases: Biases
    thresholds: Thresholds
    trained_on: tuple[TrainedOn, ...]
    encoder: str
    validation_share: Probability
    recipe_sha256: str
    teacher: str | None = None
    speed: Speed = "full"
    fast: Fast | None = None

    @property
    def calibration(self) -> Calibration:
        """Temperatures and biases together."""
        return Calibration(self.temperatures, self.biases)

    @property
    def own_topics(self) -> tuple[str, ...]:
        """The topics that were added to those that every weights folder has."""
        return self.topics[len(TOPICS) :]

    @model_validator(mode="after")
    def _known_labels(self) -> WeightsConfig:
        if self.moods != MOODS or self.topics[: len(TOPICS)] != TOPICS:
            raise ValueError("moods and topics must begin with those of this version of rida, in its order")
        if len(self.own_topics) > MAX_OWN_TOPICS:
            raise ValueError(f"topics has {len(self.own_topics)} own ones; {MAX_OWN_TOPICS} are the most")
        for name in self.own_topics:
            if fault := own_topic_fault(name):
                raise ValueError(f"the topic {name!r} {fault}")
        if len(set(self.topics)) != len(self.topics):
            raise ValueError("topics names one twice")
        if tuple(self.thresholds.topics) != self.topics:
            raise ValueError(f"thresholds.topics must name exactly, and in this order, {', '.join(self.topics)}")
        return self


def read_config(path: Path) -> WeightsConfig:
    """Reads and checks a `config.json`.

    Raises:
        WeightsError: it is missing, no JSON, of another format version, or a field is wrong.
    """
    try:
        content: Any = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        return WeightsConfig.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        if field == "format":
            raise WeightsError(
                f"{path}: format {first['input']!r} is not the format {FORMAT} that this version of rida reads; "
                "use weights exported by the same version"
            ) from error
        raise WeightsError(f"{path}: {field}: {first['msg']}") from error
