"""Import configurations of another code: npy, npz, HDF5, Zarr, NERSC or ILDG files become an ensemble.

An array has the axes (chain, draw, *site), (draw, *site) or those of one configuration, site as in the ensembles of the
theory (x, y, … or mu, x, y, …). Without --lattice, equal last extents are taken for those of a cubic lattice. Files of
NERSC or ILDG hold one configuration of SU(3) in four dimensions each. Several files follow each other as draws of the
same chains, in the order given; with --join chains each brings its own, with --join streams those of a folder whose
names differ in their last number alone are draws of one chain. Numbers must be finite, in single or double precision,
links in their group; angles are brought into (-pi, pi]. The ensemble appears as a whole or not at all, and says what it
is: algorithm imported, exactness unknown unless --exactness states it. Weighted draws have an array log_weight beside
the configurations.
"""

from sqcli.cli.requests import takes
from sqcli.cli.settings import Settings
from sqcli.runs.importing.request import ImportRequest

CATALOGUES = {"theories": "-p"}


@takes(ImportRequest)
def command(settings: Settings, request: ImportRequest) -> None:
    """Import what the request names, and say what was taken for what."""
    from sqcli.runs.import_ import import_ensemble

    for line in import_ensemble(request):
        settings.say(line)
