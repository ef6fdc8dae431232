"""Identity of a model: the hash of everything that determines its weights, as `model.yaml` states it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqcli import parameters
from sqcli.diffusion.models.settings import TrainingSettings

VERSION = 1
OF_DESIGN = (
    "net", "net_parameters", "schedule", "schedule_parameters", "objective", "objective_parameters",
    "theory", "parameters", "lattice", "couplings",
)  # fmt: skip
PATHS = ("ensemble", "model")  # where a parent lies does not matter, its own identity does


def identity_of(document: Mapping[str, Any]) -> str | None:
    """SHA-256 of the sorted JSON of design, seed, settings and parents, as 64 hexadecimal digits.

    None where the document does not state all of them, as that of a model that was not trained.
    """
    try:
        stated = {name: document[name] for name in (*OF_DESIGN, "seed")}
        stated["settings"] = {name: document["training"][name] for name in parameters.fields(TrainingSettings)}
        parents = [{k: v for k, v in parent.items() if k not in PATHS} for parent in document["parents"]]
    except (KeyError, TypeError, AttributeError):
        return None
    return digest({**stated, "version": VERSION, "parents": parents})


def digest(stated: Mapping[str, Any]) -> str:
    """SHA-256 of the sorted JSON of `stated`."""
    return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()
