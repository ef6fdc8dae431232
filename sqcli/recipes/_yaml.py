"""YAML of recipes: a key stands once in its mapping, numbers are finite, dates are texts, no tags of Python."""

import math
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode, ScalarNode

TIMESTAMP, MERGE = "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:merge"
MOST_BITS = 256  # most bits of an integer
SHOWN = 40  # characters of a value in a message


class _Loader(yaml.SafeLoader):
    """Loader that constructs plain values only; ConstructorError names the line of what cannot be read."""

    def compose_mapping_node(self, anchor: Any) -> MappingNode:
        """Compose a mapping; ConstructorError where a key stands twice."""
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if isinstance(key, ScalarNode) and key.tag != MERGE:
                if key.value in lines:
                    first = f"the key {_shown(key)} stands twice, first in line {lines[key.value]}"
                    raise ConstructorError(None, None, first, key.start_mark)
                lines[key.value] = key.start_mark.line + 1
        return node

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """Construct a plain value; ConstructorError where it is none, not finite or too large."""
        try:
            value = super().construct_object(node, deep)
        except yaml.YAMLError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, ArithmeticError):
            kind = node.tag.rpartition(":")[2]
            raise ConstructorError(None, None, f"{_shown(node)} cannot be read as {kind}", node.start_mark) from None
        if isinstance(value, float) and not math.isfinite(value):
            raise ConstructorError(None, None, f"{_shown(node)} is not a finite number", node.start_mark)
        if isinstance(value, int) and value.bit_length() > MOST_BITS:
            raise ConstructorError(None, None, f"{_shown(node)} is too large a number", node.start_mark)
        return value


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != TIMESTAMP]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _shown(node: Any) -> str:
    text = str(node.value)
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")


def parse(text: str | bytes) -> Any:
    """Parse `text`, which holds one document.

    Raises:
        ValueError: the text is no YAML, or says something that a recipe cannot hold; the line is named.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # _Loader constructs plain values only
    except ConstructorError as error:
        raise ValueError(f"{_line(error)}: {error.problem}") from None
    except yaml.MarkedYAMLError as error:
        raise ValueError(f"{_line(error)} is no YAML: {error.problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise ValueError("is no YAML text") from None


def _line(error: yaml.MarkedYAMLError) -> str:
    return f"line {error.problem_mark.line + 1 if error.problem_mark else 0}"
