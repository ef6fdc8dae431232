"""Lattice theories, one file each: action, drift, manifold, exact references. No algorithm is known here."""

from sqcli.theories import _gaussian as gaussian
from sqcli.theories._base import (
    FINISH,
    FLOW,
    LOCAL,
    ClusterFlips,
    GaussianReference,
    IndependentDraws,
    KnownDenoiser,
    LocalUpdates,
    References,
    RestrictedDraws,
    Theory,
)

__all__ = [
    "FINISH",
    "FLOW",
    "LOCAL",
    "ClusterFlips",
    "GaussianReference",
    "IndependentDraws",
    "KnownDenoiser",
    "LocalUpdates",
    "References",
    "RestrictedDraws",
    "Theory",
    "gaussian",
]
