"""JSON schema of recipes for editors; `python -m sqcli.recipes.schema > recipes/recipe.schema.json` renews it."""

import json
import sys

from sqcli.recipes._model import Recipe


def text() -> str:
    """Write the schema as it is shipped."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Recipe.model_json_schema()}
    return json.dumps(schema, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
