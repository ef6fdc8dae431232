"""What holds for every command: how much to say, and how to say it on stderr."""

import contextlib
import sys
from dataclasses import dataclass, field
from typing import Any

from sqcli.text import printable


@dataclass
class Settings:
    """The options that every command knows; `context` is the innermost command that was reached."""

    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    command_line: tuple[str, ...] = ()
    context: Any = field(default=None, repr=False)

    def say(self, text: str) -> None:
        """One line on stderr, unless --quiet."""
        if not self.quiet:
            complain(text)

    def detail(self, text: str) -> None:
        """One line on stderr with --verbose."""
        if self.verbose:
            self.say(text)


def complain(text: str) -> None:
    """`sqcli: text` on stderr as one line, whatever `text` holds."""
    write(f"sqcli: {printable(' '.join(str(text).split()))}")


def write(line: str) -> None:
    """`line` on stderr; when that is closed nobody listens, and the exit code still tells."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(line, file=sys.stderr, flush=True)  # noqa: T201 - this is where messages are printed
