"""Recipes: YAML files that name runs, a table of numbers to compare, and figures."""

from sqcli.recipes._run import Outcome, commands, run

__all__ = ["Outcome", "commands", "run"]
