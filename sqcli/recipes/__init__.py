"""Recipes: checked YAML files that run several commands and end in a table and a plot."""
