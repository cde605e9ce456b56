from pathlib import Path

import pytest

from model.errors import RecipeError
from training.recipe import read_recipe

WHOLE = """
name = "x"
sources = [{ name = "a" }]
[[stages]]
rows = 10
"""


def read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    read_recipe(path)


def test_the_shipped_recipe_is_whole() -> None:
    recipe = read_recipe(Path("training/recipe.toml"))
    assert "annotated" in {source.name for source in recipe.sources}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('name = "x"\n', "sources: Field required"),
        (WHOLE + "surprise = 1\n", "surprise"),
        (WHOLE + "[optimisation]\nencoder_rate = -1\n", r"optimisation\.encoder_rate"),
        (WHOLE + '[optimisation]\nprecision = "float8"\n', r"optimisation\.precision"),
        (WHOLE.replace('[{ name = "a" }]', '[{ name = "a" }, { name = "a" }]'), "'a' is listed twice"),
        (WHOLE + "shares = { b = 0.5 }\n", r"share to \['b'\], not among the sources"),
        (
            WHOLE.replace('{ name = "a" }', '{ name = "a" }, { name = "b" }') + "shares = { a = 0.7, b = 0.7 }",
            "more than 1",
        ),
        (WHOLE.replace('"a" }', '"a", folder = "x/b" }'), "'a' has the folder x/b"),
        (WHOLE.replace('"a" }', '"annotations" }'), "is the name of rows from data.annotations"),
        ("name = ", "not valid TOML"),
    ],
)
def test_a_wrong_recipe_says_which_field(tmp_path: Path, change: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        read(tmp_path, change)


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"none\.toml: cannot be read"):
        read_recipe(tmp_path / "none.toml")
