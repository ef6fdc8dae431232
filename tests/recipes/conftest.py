from pathlib import Path

import pytest
import yaml

SMALL = {
    "name": "small",
    "description": "two short runs of the free field",
    "source": "exact",
    "defaults": {"theory": "free", "lattice": "4x4", "parameters": {"mass2": 1.0}, "chains": 2, "draws": 40},
    "steps": [
        {"generate": "a", "algorithm": "metropolis", "seed": 1, "warmup": 50},
        {"generate": "b", "algorithm": "metropolis", "seed": 2, "warmup": 0, "start": "a", "draws": 20,
         "algorithm_parameters": {"width": 1.5}},
    ],
    "table": [
        {"of": "a", "observable": "action", "reference": {"value": 0.5, "source": "equipartition"}},
        {"of": "b", "observable": "action", "quantity": "tau_int"},
        {"of": "a", "observable": "correlator", "component": 1},
    ],
    "plots": [{"plot": "m", "kind": "overview", "of": ["a", "b"], "observable": "magnetization"}],
}  # fmt: skip


@pytest.fixture
def small():
    """A recipe as a mapping, to be changed."""
    return yaml.safe_load(yaml.safe_dump(SMALL))


@pytest.fixture
def written(tmp_path):
    """Writes a mapping or a text as a recipe file."""

    def write(content: object) -> Path:
        path = tmp_path / "recipe.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
        return path

    return write
