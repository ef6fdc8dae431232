"""Parameters of samplers that need a trace of the network's Jacobian, and what these traces cost."""

from dataclasses import dataclass
from typing import Literal

from sqcli.diffusion.samplers._base import MOST_STEPS
from sqcli.diffusion.samplers._ladder import Ladder
from sqcli.lattice.geometry import Lattice
from sqcli.parameters import require_count

EXACT_UP_TO = 256  # sites with which `auto` means the exact trace
FILLED = 1 << 11  # sites of a batch, over draws and probes, that make good use of the network


@dataclass(frozen=True)
class Probing(Ladder):
    """Parameters of a sampler that needs traces along its ladder.

    Attributes:
        trace: by all unit vectors (exact), random probes (coloured, hutchinson), exact up to 256 sites and coloured
            above (auto), or no log q at all (none).
        n_probes: number of probes of `hutchinson`.
        distance: distance between sites that share a probe of `coloured`, which takes distance^D probes.
    """

    trace: Literal["auto", "exact", "coloured", "hutchinson", "none"] = "auto"
    n_probes: int = 10
    distance: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("n_probes", self.n_probes, 1, MOST_STEPS)
        require_count("distance", self.distance, 1, MOST_STEPS)

    @property
    def weighs(self) -> bool:
        """Tell whether draws come with log q."""
        return self.trace != "none"

    def kind(self, lattice: Lattice | None) -> str:
        """Trace that `auto` means on a lattice; on no lattice in particular, that of large ones."""
        if self.trace == "auto":
            return "exact" if lattice and lattice.volume <= EXACT_UP_TO else "coloured"
        return self.trace

    def efficient_batch(self, lattice: Lattice) -> int:
        """Number of draws that fill a batch of the network with their probes; more together gain nothing."""
        coloured = min(int(self.distance**lattice.dimension), lattice.volume)
        probes = {"exact": lattice.volume, "coloured": coloured, "hutchinson": self.n_probes, "none": 1}
        return FILLED // (probes[self.kind(lattice)] * lattice.volume)
