"""Identity of a run: SHA-256 of the sorted JSON of everything that determines its numbers.

How much of the run is wanted (chains, draws) and how it is computed (workers, device, code version) is not part of it.
Computed from an ensemble's attributes it must be the identity stored there, else the attributes were altered.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqcli.errors import DamageError
from sqcli.store._creation import ENSEMBLE_FORMAT_VERSION
from sqcli.store._layout import Layout

DETERMINING = ("theory", "parameters", "lattice", "algorithm", "algorithm_parameters", "seed", "rng", "every", "warmup")
SAMPLES_DETERMINING = ("model", "accept", "interleave")  # beside those, where a trained model made the draws
IMPORTS_DETERMINING = ("data_sha256",)  # beside those, where the draws are another code's
_LATTICE_AXIS = re.compile(r"[xyzt]|x\d+")


def identity_of(attributes: Mapping[str, Any], dtype: str) -> str:
    """Compute the identity of the run that `attributes` describe, 64 hexadecimal digits; `KeyError` if one is missing.

    A start from another ensemble counts by that one's identity, not by its path.
    """
    facts = {name: attributes[name] for name in DETERMINING}
    facts |= {name: attributes[name] for name in (*SAMPLES_DETERMINING, *IMPORTS_DETERMINING) if name in attributes}
    start = attributes["start"]
    if isinstance(start, Mapping):
        start = start["identity"] or "ensemble"
    facts |= {
        "start": start,
        "dtype": dtype,
        "format_version": attributes.get("format_version", ENSEMBLE_FORMAT_VERSION),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def require_identity(path: Path, attributes: Mapping[str, Any], layout: Layout) -> None:
    """Compare what an ensemble says of itself with its identity and with the shape of its field.

    Raises:
        DamageError: they disagree.
    """
    if "identity" not in attributes:
        return
    try:
        same = attributes["identity"] == identity_of(attributes, layout.dtype)
    except (KeyError, TypeError):
        same = False
    if not same:
        raise DamageError(f"{path}/zarr.json: damaged metadata, the attributes belong to another identity")
    extents = [n for name, n in zip(layout.site_dims, layout.site, strict=True) if _LATTICE_AXIS.fullmatch(name)]
    if extents != attributes["lattice"]:
        shape = "x".join(map(str, extents))
        raise DamageError(f"{path}/configurations: damaged, fields on {shape} contradict the attribute lattice")
