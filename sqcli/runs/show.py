"""Summary of an ensemble or a model in one mapping, which `sqcli show` prints and a script reads."""

from pathlib import Path
from typing import Any

from sqcli import store
from sqcli.diffusion.models.files import is_model, read_document

TOLD = ("theory", "parameters", "lattice", "algorithm", "algorithm_parameters", "seed", "every", "warmup", "start")
TOLD_LAST = ("imported", "exactness", "identity", "created_at", "provenance")


def summary(path: Path) -> dict[str, Any]:
    """Summarise the ensemble or the model at `path`.

    Raises:
        SqcliError: neither can be read there.
    """
    return _model(path) if is_model(path) else _ensemble(path)


def _model(path: Path) -> dict[str, Any]:
    """Collect what `model.yaml` says, and the size in bytes."""
    document = read_document(path)
    told = {name: value for name, value in document.items() if name not in ("format", "format_version")}
    return {"model": str(path), **told, "bytes": _size(path)}


def _ensemble(path: Path) -> dict[str, Any]:
    """Collect root attributes, committed draws of each chain, measured series and size in bytes of an ensemble."""
    ensemble = store.open_ensemble(path)
    attrs = ensemble.attrs
    draws = [int(count) for count in ensemble.draws]
    return {
        "ensemble": str(path),
        **{name: attrs.get(name) for name in TOLD},
        "dtype": ensemble.layout.dtype,
        "chains": len(draws),
        "draws": draws,
        "target_draws": ensemble.target_draws,
        **{name: attrs.get(name) for name in TOLD_LAST},
        "observables": store.observable_names(path),
        "bytes": _size(path),
    }


def _size(path: Path) -> int:
    """Count the bytes of all files; one that vanishes meanwhile (a commit renames) counts nothing."""
    total = 0
    for entry in path.rglob("*"):
        try:
            total += entry.stat().st_size if entry.is_file() else 0
        except OSError:
            continue
    return total
