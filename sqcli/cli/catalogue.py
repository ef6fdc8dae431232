"""Catalogue of theories, algorithms, observables, …: all that can be chosen by name, read without importing it."""

from typing import Any

from sqcli import registry

FOLDERS = {
    "theories": "theories",
    "algorithms": "mcmc",
    "observables": "observables",
    "nets": "diffusion/nets",
    "schedules": "diffusion/schedules",
    "objectives": "diffusion/objectives",
    "samplers": "diffusion/samplers",
    "figures": "figures",
}


def entries(kind: str) -> list[dict[str, Any]]:
    """List what the folder of `kind` ("theories", …) holds: name, summary, parameters with defaults, aliases."""
    folder = FOLDERS[kind]
    known = registry.aliases(folder)
    return [
        {
            "name": name,
            "summary": registry.summary(folder, name),
            "parameters": registry.parameters(folder, name),
            "aliases": [alias for alias, target in known.items() if target == name],
        }
        for name in registry.names(folder)
    ]


def describe_parameters(parameters: dict[str, str | None]) -> str:
    """Write parameters as `kappa, lambda, step_size=auto`: names, with defaults where there are any."""
    return ", ".join(name if default is None else f"{name}={default}" for name, default in parameters.items())
