"""The name of a model: the hash of everything that determines its weights, as `model.yaml` states it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqcli import parameters
from sqcli.diffusion.models.settings import Settings

VERSION = 1
OF_DESIGN = (
    "net", "net_parameters", "schedule", "schedule_parameters", "objective", "objective_parameters",
    "theory", "parameters", "lattice", "couplings",
)  # fmt: skip
PLACES = ("ensemble", "model")  # where a parent lies does not matter, its own identity does


def identity_of(document: Mapping[str, Any]) -> str | None:
    """64 hexadecimal digits: SHA-256 of sorted JSON of design, seed, settings and parents.

    None where the document does not state all of them, as that of a model that was not trained.
    """
    try:
        facts = {name: document[name] for name in (*OF_DESIGN, "seed")}
        facts["settings"] = {name: document["training"][name] for name in parameters.fields(Settings)}
        parents = [{k: v for k, v in parent.items() if k not in PLACES} for parent in document["parents"]]
    except (KeyError, TypeError, AttributeError):
        return None
    return digest({**facts, "version": VERSION, "parents": parents})


def digest(facts: Mapping[str, Any]) -> str:
    """SHA-256 of the sorted JSON of `facts`."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
