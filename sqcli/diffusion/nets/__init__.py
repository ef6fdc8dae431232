"""Score networks, one file each: a frozen dataclass of sizes that builds the network."""

from sqcli.diffusion.nets._base import Architecture, Context, Net, Network, Problem
from sqcli.diffusion.nets._links import LinkContext, LinkNet, LinkScore, require_links
from sqcli.diffusion.nets._plaquettes import PlaquetteContext, PlaquetteMoments, PlaquetteNet

__all__ = [
    "Architecture",
    "Context",
    "LinkContext",
    "LinkNet",
    "LinkScore",
    "Net",
    "Network",
    "PlaquetteContext",
    "PlaquetteMoments",
    "PlaquetteNet",
    "Problem",
    "require_links",
]
