"""Names of series: that of the observable, and the options with which it was computed.

With all options at their defaults a series goes by the name of its observable alone: `correlator`. Others name the
options that differ, `correlator.axis-0` or `wilson_loop.sizes-1x1_2x2`, so that series of different options lie side
by side. Names are made of letters, digits, `_`, `-` and `.`, which Zarr recommends.
"""

import dataclasses
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from sqcli import parameters

if TYPE_CHECKING:
    from sqcli.observables._base import Observable

PLAIN = re.compile(r"([A-Za-z0-9,-]|\.[0-9])*")  # values that a key spells out one by one, without ambiguity
LONGEST = 100  # characters of a key
DIGITS = 12  # of the hash that stands for values which are not plain


def name_of(observable: "Observable") -> str:
    """Name that users type: that of the observable's file."""
    return type(observable).__module__.rpartition(".")[2]


def options_of(observable: "Observable") -> dict[str, Any]:
    """Options that are not at their defaults, by public name."""
    known, values = parameters.fields(type(observable)), parameters.to_mapping(observable)
    return {name: values[name] for name, field in known.items() if getattr(observable, field.name) != _default(field)}


def _default(field: "dataclasses.Field[Any]") -> Any:
    factory = field.default_factory
    return field.default if factory is dataclasses.MISSING else factory()


def series_key(observable: "Observable") -> str:
    """Name under which the series that `observable` computes is kept."""
    name, options = name_of(observable), options_of(observable)
    texts = {option: str(value) for option, value in options.items()}
    key = ".".join([name, *(f"{option}-{text.replace(',', '_')}" for option, text in texts.items())])
    if len(key) <= LONGEST and all(PLAIN.fullmatch(text) for text in texts.values()):
        return key
    said = json.dumps(options, sort_keys=True)
    return f"{name}.{'.'.join(options)}-{hashlib.sha256(said.encode()).hexdigest()[:DIGITS]}"
