"""Assay: real-time fraud scoring whose every business part is plain Python.

A definition is written with the names below; the `assay` command checks, builds and serves it.
"""

from . import fn
from ._api import (
    Clear,
    Field,
    Secret,
    blocklist,
    decision,
    event,
    feature,
    model,
    rule,
    table,
    text,
    thresholds,
    window,
)
from ._definition import DefinitionError
from ._load import Detector, load
from ._parse import EventError


class LimitError(Exception):
    """A function went over a limit: instructions in a call, or the size of a value."""


__all__ = [
    "Clear",
    "DefinitionError",
    "Detector",
    "EventError",
    "Field",
    "LimitError",
    "Secret",
    "blocklist",
    "decision",
    "event",
    "feature",
    "fn",
    "load",
    "model",
    "rule",
    "table",
    "text",
    "thresholds",
    "window",
]
