"""The recipe: everything that decides what comes out of training, read from one TOML file."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.annotations import NAME as ANNOTATIONS
from data.unmarked import NAME as UNMARKED
from model.errors import RecipeError

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Encoder(_Section):
    """The pretrained encoder and what of it stays as it is; attention has no dropout, which is slow on CPUs."""

    name: str = "intfloat/multilingual-e5-small"
    freeze_embeddings: bool = True
    frozen_layers: Annotated[int, Field(ge=0)] = 0
    dropout: Share = 0.1
    head_dropout: Share = 0.1


class Text(_Section):
    """How a text is cut for training; scoring reads longer ones in windows."""

    max_tokens: Annotated[int, Field(ge=8, le=512)] = 96
    max_characters: Annotated[int, Field(ge=32)] = 20_000


class Source(_Section):
    """A folder under the data root, or the `folder` of that name elsewhere; `weight` scales its draws, `trust` its
    loss.
    """

    name: str
    folder: Path | None = None
    weight: Positive = 1.0
    trust: Annotated[float, Field(gt=0, le=1)] = 1.0


class Data(_Section):
    """Which rows may be drawn.

    `annotations` is a file of labels for texts of the sources, which become rows of a source `annotations`. Of the
    languages in `unmarked`, texts annotated with a mood come a second time without diacritics, as a source `unmarked`.
    """

    annotations: Path | None = None
    unmarked: tuple[str, ...] = ()
    exclude_licences: tuple[str, ...] = ()
    exclude_languages: tuple[str, ...] = ()
    validation_share: Share = 0.1
    language_temperature: Share = 0.5
    source_temperature: Share = 0.5
    class_temperature: Share = 0.7


class Teacher(_Section):
    """A classifier trained before, whose probabilities are learned beside the labels.

    `weights` is its weights folder, `sha256` what that folder's checksum must begin with; of the texts of the sources
    in `untaught`, which it was trained on itself, it is not asked. What `exclude_licences` leaves out it may still
    have learned from.
    """

    weights: Path
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{16,64}$")]
    untaught: tuple[str, ...] = ()


class Stage(_Section):
    """A stretch of training with its own mixture; `shares` fixes sources' shares of the rows.

    A stage with a `rate` begins a new cycle: the rate rises to that share of the full one and falls to zero
    again. A stage without one goes on with the cycle before it.
    """

    rows: Annotated[int, Field(gt=0)]
    shares: dict[str, Share] = {}
    rate: Share | None = None


class LossWeights(_Section):
    """How much each head's loss counts."""

    satisfaction: float = 1.0
    anger: float = 1.0
    topics: float = 0.5
    teacher: float = 1.0


class Optimisation(_Section):
    """Rates, batch, loss weights and seed.

    The rate warms up, then falls linearly to zero, once a cycle. The weights at the ends of the last
    `averaged_cycles` are averaged (Izmailov et al. 2018, https://arxiv.org/abs/1803.05407).
    """

    encoder_rate: Positive = 1e-4
    head_rate: Positive = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    warmup_share: Share = 0.05
    averaged_cycles: Annotated[int, Field(ge=1)] = 2
    clip_norm: Positive = 1.0
    tokens_per_batch: Annotated[int, Field(gt=0)] = 1536
    loss_weights: LossWeights = LossWeights()
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    seed: int = 20
    checkpoint_every: Annotated[int, Field(gt=0)] = 250
    log_every: Annotated[int, Field(gt=0)] = 20


class Recipe(_Section):
    """A whole training run."""

    name: str
    encoder: Encoder = Encoder()
    text: Text = Text()
    data: Data = Data()
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    optimisation: Optimisation = Optimisation()
    teacher: Teacher | None = None

    def fingerprint(self) -> str:
        """SHA-256 of the recipe's content; a checkpoint resumes only under the recipe that began it."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def read_recipe(path: Path) -> Recipe:
    """Reads and checks a recipe.

    Raises:
        RecipeError: the file is missing, is not TOML, or a field is wrong (which, and why).
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not valid TOML ({error})") from error
    try:
        recipe = Recipe.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise RecipeError(f"{path}: {faults}") from error
    _check_references(recipe, path)
    return recipe


def _check_references(recipe: Recipe, path: Path) -> None:
    names = [source.name for source in recipe.sources]
    made = {ANNOTATIONS: recipe.data.annotations, UNMARKED: recipe.data.unmarked}
    for name in names:
        if name in made:
            raise RecipeError(f"{path}: {name!r} is the name of rows from data.{name}; rename the source")
        if names.count(name) > 1:
            raise RecipeError(f"{path}: source {name!r} is listed twice; keep one")
    for source in recipe.sources:
        if source.folder is not None and source.folder.name != source.name:
            raise RecipeError(f"{path}: source {source.name!r} has the folder {source.folder}; rename one of them")
    known = set(names) | {name for name, given in made.items() if given}
    if recipe.teacher is not None and (unknown := set(recipe.teacher.untaught) - known):
        raise RecipeError(f"{path}: the teacher is not asked of {sorted(unknown)}, not among the sources")
    for number, stage in enumerate(recipe.stages, start=1):
        if unknown := set(stage.shares) - known:
            raise RecipeError(f"{path}: stage {number} gives a share to {sorted(unknown)}, not among the sources")
        if sum(stage.shares.values()) > 1:
            raise RecipeError(f"{path}: the shares of stage {number} add up to more than 1")
