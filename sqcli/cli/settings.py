"""Settings of every command: how much to say on stderr, and how to say it."""

import contextlib
import sys
from dataclasses import dataclass, field
from typing import Any

from sqcli.text import printable


@dataclass
class Settings:
    """Options that every command has; `context` is typer's context of the innermost command reached."""

    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    command_line: tuple[str, ...] = ()
    context: Any = field(default=None, repr=False)

    def say(self, text: str) -> None:
        """Write one line on stderr, unless --quiet."""
        if not self.quiet:
            complain(text)

    def detail(self, text: str) -> None:
        """Write one line on stderr with --verbose."""
        if self.verbose:
            self.say(text)


def complain(text: str) -> None:
    """Write `sqcli: text` on stderr as one line, whatever `text` holds."""
    write(f"sqcli: {printable(' '.join(str(text).split()))}")


def write(line: str) -> None:
    """Write `line` on stderr; where that is closed nothing is written, and the exit code still tells."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(line, file=sys.stderr, flush=True)  # noqa: T201 - this is where messages are printed
