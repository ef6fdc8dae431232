"""Ensemble as an `xarray.DataTree`; xarray is optional and imported here only."""

from pathlib import Path
from typing import Any

from sqcli.errors import SqcliError


def open_tree(path: Path, draws: int) -> Any:
    """Open configurations and sample_stats, cut to the first `draws`, and observables with labelled components."""
    try:
        import xarray
    except ImportError as error:
        raise SqcliError("xarray is not installed: pip install 'sqcli[xarray]'") from error
    tree = xarray.open_datatree(path, engine="zarr", consolidated=False)
    groups: dict[str, Any] = {"/": xarray.Dataset(attrs=tree.attrs)}
    for name in ("configurations", "sample_stats"):
        groups[name] = tree[name].to_dataset().isel(draw=slice(draws), missing_dims="ignore")
    observables = tree["observables"].to_dataset()
    labels = {
        f"{name}_component": list(series.attrs["components"])
        for name, series in observables.data_vars.items()
        if series.attrs.get("components")
    }
    groups["observables"] = observables.assign_coords(labels)
    return xarray.DataTree.from_dict(groups)
