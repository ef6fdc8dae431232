"""Lattice theories, one file each: action, drift, manifold, exact references. No algorithm is known here."""

from sqcli.theories import _gaussian as gaussian
from sqcli.theories._base import (
    FINISH,
    FLOW,
    JUMP,
    LOCAL,
    SWEEP,
    ClusterFlips,
    ConditionalDraws,
    GaussianReference,
    IndependentDraws,
    KnownDenoiser,
    LocalUpdates,
    References,
    Reflections,
    RestrictedDraws,
    SectorMoves,
    SweepProposals,
    Theory,
)

__all__ = [
    "FINISH",
    "FLOW",
    "JUMP",
    "LOCAL",
    "SWEEP",
    "ClusterFlips",
    "ConditionalDraws",
    "GaussianReference",
    "IndependentDraws",
    "KnownDenoiser",
    "LocalUpdates",
    "References",
    "Reflections",
    "RestrictedDraws",
    "SectorMoves",
    "SweepProposals",
    "Theory",
    "gaussian",
]
