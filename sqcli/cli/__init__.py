"""The command line: each command translates its options, calls one function of `runs` and prints the result."""

from sqcli.cli._main import main

__all__ = ["main"]
