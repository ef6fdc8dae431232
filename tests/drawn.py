"""Ensembles for tests: independent draws of the free field, mode by mode, or whatever fields are given."""

import numpy as np

from sqcli import store


def free_fields(extents, mass2, chains, draws, seed):
    """Exact i.i.d. draws: φ̃ = white noise × √G(k), G = 1/(p̂² + m²)."""
    noise = np.random.default_rng(seed).standard_normal((chains, draws, *extents))
    axes = tuple(range(2, noise.ndim))
    p2 = sum(np.meshgrid(*[4 * np.sin(np.pi * np.arange(n) / n) ** 2 for n in extents], indexing="ij"))
    return np.fft.ifftn(np.fft.fftn(noise, axes=axes) / np.sqrt(p2 + mass2), axes=axes).real


def write(
    path,
    fields,
    theory="free",
    parameters=None,
    stats=None,
    dtype="float64",
    room=None,
    *,
    seed=None,
    field="phi",
    **attributes,
):
    """An ensemble of `fields` (chain, draw, *site), or a list of (draw, *site) of unequal lengths.

    The `field` is phi, z (complex), or links: theta, angles (mu, *extents), or u, matrices (mu, *extents, row, col).

    With a `seed` it has the identity that follows from its attributes.
    """
    site = fields[0].shape[1:]
    extents = {"phi": site, "z": site, "theta": site[1:], "u": site[1:-2]}[field]
    stats = stats or {}
    axes = ("x", "y", "z", "t")[: len(extents)]
    layout = store.Layout(
        field=field,
        site=site,
        site_dims={"phi": axes, "z": axes, "theta": ("mu", *axes), "u": ("mu", *axes, "row", "col")}[field],
        dtype="complex128" if field in ("u", "z") else dtype,
        stats=dict.fromkeys(stats, "float64"),
        chains=len(fields),
        target_draws=room or max(len(chain) for chain in fields),
    )
    said = {"theory": theory, "parameters": parameters or {"mass2": 0.5}, "lattice": list(extents), "every": 1}
    said |= {"start": "hot", "algorithm": "drawn"} | attributes
    if seed is not None:
        said |= {"algorithm_parameters": {}, "seed": seed, "rng": "none", "warmup": 0}
        said |= {"identity": store.identity_of(said, layout.dtype)}
    store.create(path, layout, said, durable=False)
    for chain in range(len(fields)):
        append(path, chain, fields[chain], {name: values[chain] for name, values in stats.items()})
    return path


def append(path, chain, fields, stats=None):
    """Commit more draws to one chain."""
    with store.Writer(path, chain, durable=False) as writer:
        if len(fields):
            block = np.asarray(fields)[None].astype(writer.layout.dtype)
            numbers = {name: np.asarray(values, dtype=np.float64)[None] for name, values in (stats or {}).items()}
            writer.commit(block, numbers, block[:, -1], [b"state"], 0)
