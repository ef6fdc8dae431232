"""A file dropped into a folder is a new name, with its summary and its parameters, and nothing is imported for it."""

import pytest

from sqcli import registry
from sqcli.cli import catalogue

PLUGIN = '''"""A toy: S = m2 x²."""

import dataclasses
import nowhere_to_be_found
from dataclasses import dataclass, field
from typing import ClassVar
from sqcli.toys import _base

ALIASES = ("plaything",)


@dataclass(frozen=True)
class Toy(_base.Common):
    """A toy."""

    m2: float
    lam: float = field(default=0.5, metadata={"name": "lambda"})
    order: str = "random"
    _hidden: int = 3
    depth: int = 2
    formula: ClassVar[str] = "S"
    sizes: tuple[int, ...] = dataclasses.field(default_factory=tuple)
'''
BASE = """class _Root:
    width: float
    depth: int = 1


class Common(_Root):
    every: int = 10
"""


@pytest.fixture
def toys(tmp_path, monkeypatch):
    folder = tmp_path / "sqcli" / "toys"
    folder.mkdir(parents=True)
    (folder / "toy.py").write_text(PLUGIN)
    (folder / "_base.py").write_text(BASE)
    monkeypatch.setattr(registry, "ROOT", tmp_path / "sqcli")
    monkeypatch.setitem(catalogue.FOLDERS, "toys", "toys")
    caches = (registry.names, registry._tree, registry.aliases, registry._source)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


def test_a_new_file_appears_by_itself(toys):
    (entry,) = catalogue.entries("toys")
    assert entry == {
        "name": "toy",
        "summary": "A toy: S = m2 x².",
        "parameters": {
            "width": None,
            "depth": "2",
            "every": "10",
            "m2": None,
            "lambda": "0.5",
            "order": "random",
            "sizes": "tuple",
        },
        "aliases": ["plaything"],
    }


def test_names_and_defaults_in_one_line(toys):
    text = catalogue.describe_parameters(registry.parameters("toys", "toy"))
    assert text == "width, depth=2, every=10, m2, lambda=0.5, order=random, sizes=tuple"


@pytest.mark.parametrize("kind", ["theories", "algorithms"])
def test_what_is_read_from_the_text_is_what_the_dataclass_has(kind):
    """Hypothesis: names and defaults agree with the imported class, for every plugin there is."""
    from sqcli import parameters

    folder = catalogue.FOLDERS[kind]
    for name in registry.names(folder):
        assert set(registry.parameters(folder, name)) == set(parameters.fields(registry.load(folder, name)))


def test_an_absent_folder_is_empty():
    assert registry.names("no/such/folder") == ()
