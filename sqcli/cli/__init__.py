"""The command line: each command translates its options, calls one function and prints the result."""

import sys
from typing import NoReturn

from sqcli import stopping
from sqcli.cli import _garbage
from sqcli.errors import missing


def main() -> NoReturn:
    """Run the script `sqcli`; signals are heeded before anything else is loaded."""
    stopping.install()
    _garbage.postpone()
    try:
        from sqcli.cli._main import program

        program()
    except ModuleNotFoundError as error:
        sys.exit(f"sqcli: {missing(error)}")
    except KeyboardInterrupt:  # a signal between two guards
        stopping.leave()


__all__ = ["main"]
