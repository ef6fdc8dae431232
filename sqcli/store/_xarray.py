"""An ensemble as an `xarray.DataTree`; xarray is optional and imported here only."""

from typing import TYPE_CHECKING, Any

from sqcli.errors import SqcliError

if TYPE_CHECKING:
    from sqcli.store._reading import Ensemble


def open_tree(ensemble: "Ensemble") -> Any:
    """Groups configurations, sample_stats (cut to what all chains committed) and observables, components labelled."""
    try:
        import xarray
    except ImportError as error:
        raise SqcliError("xarray is not installed: pip install 'sqcli[xarray]'") from error
    draws = int(ensemble.draws.min())
    tree = xarray.open_datatree(ensemble.path, engine="zarr", consolidated=False)
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
