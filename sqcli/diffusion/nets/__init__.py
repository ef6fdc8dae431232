"""Score networks, one file each: a frozen dataclass of sizes that builds the network."""

from sqcli.diffusion.nets._base import Architecture, Context, Net, Problem

__all__ = ["Architecture", "Context", "Net", "Problem"]
