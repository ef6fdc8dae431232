"""Formats that configurations are read from, one file each; a format recognises its files by their content."""

from sqcli.runs.importing.formats._base import Format, Numbers

__all__ = ["Format", "Numbers"]
