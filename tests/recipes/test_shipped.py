"""The recipes of the repository: valid, described, able to run."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from sqcli.recipes import _steps, commands, schema
from sqcli.recipes._load import load

FOLDER = Path(__file__).parents[2] / "recipes"
RECIPES = sorted(FOLDER.glob("*.yaml"))


def test_the_schema_for_editors_is_current():
    shipped = (FOLDER / "recipe.schema.json").read_text(encoding="utf-8")
    assert shipped == schema.text(), "renew it: python -m sqcli.recipes.schema > recipes/recipe.schema.json"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_names_its_schema_and_its_cost_and_keeps_the_schema(path):
    text = path.read_text(encoding="utf-8")
    head = text.partition("\nname:")[0]
    assert head.startswith("# yaml-language-server: $schema=recipe.schema.json\n")
    assert "minute" in head
    jsonschema.validate(yaml.safe_load(text), json.loads(schema.text()))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_run_of_a_recipe_makes_sense(path, tmp_path):
    recipe = load(path)
    assert recipe.name == path.stem
    assert recipe.table
    assert recipe.plots
    assert len(_steps.runs(recipe, tmp_path)) == len(commands(path, out=tmp_path))
