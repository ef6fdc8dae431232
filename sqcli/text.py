"""Foreign text made harmless: an ensemble's names and attributes may come from anybody, and end on a terminal or in a
spreadsheet. And sizes and settings as people read them.
"""

import re
from collections.abc import Mapping
from typing import Any

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
FORMULA = ("=", "+", "-", "@")
UNUSUAL = re.compile(r"[^\n\x20-\x7e]")


def printable(text: object) -> str:
    """Write an object as text in which control characters, reversed writing and line ends are shown as escapes."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


def json_printable(text: str) -> str:
    """Replace the non-printable characters of a JSON text by JSON's own escapes; line ends between items stay."""

    def escape(match: "re.Match[str]") -> str:
        if match[0].isprintable():
            return match[0]
        units = match[0].encode("utf-16-be", errors="surrogatepass").hex()
        return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))

    return UNUSUAL.sub(escape, text)


def cell(value: Any) -> Any:
    """Make a CSV cell of `value`: a text that a spreadsheet would take for a formula gets an apostrophe."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        complex(text)
    except ValueError:
        return False
    return True


def size_in_words(count: int) -> str:
    """Write a number of bytes as people read it: `1.5 GiB`."""
    size, unit = float(count), 0
    while size >= 1024 and unit < len(UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.3g} {UNITS[unit]}"


def assignments(values: Mapping[str, Any]) -> str:
    """Names and values in one line: `axis=0, largest=3`."""
    return ", ".join(f"{name}={value}" for name, value in values.items())
