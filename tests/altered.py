"""An ensemble that says something else of itself than what it is, as somebody who knows the format would make it."""

import json

from sqcli import store
from sqcli.store._documents import replace_json


def alter(path, **changes):
    """Change root attributes (None removes one); identity and checksum follow."""
    dtype = store.open_ensemble(path).layout.dtype
    document = json.loads((path / "zarr.json").read_text())
    attributes = {key: value for key, value in (document["attributes"] | changes).items() if value is not None}
    attributes["identity"] = store.identity_of(attributes, dtype)
    replace_json(path / "zarr.json", document | {"attributes": attributes}, root=path, durable=False)
