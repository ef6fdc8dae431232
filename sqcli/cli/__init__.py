"""The command line: each command translates its options, calls one function of `runs` and prints the result."""

from typing import NoReturn

from sqcli import stopping


def main() -> NoReturn:
    """Entry point of the script `sqcli`: signals are heeded before anything else is loaded."""
    stopping.install()
    from sqcli.cli._main import program

    try:
        program()
    except KeyboardInterrupt:  # in the moment between two guards
        stopping.leave()


__all__ = ["main"]
