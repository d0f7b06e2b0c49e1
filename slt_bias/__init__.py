"""slt_bias: simplicity bias and learning coefficients. Rooms are imported when they are first used (PEP 562)."""

from __future__ import annotations

from importlib import import_module
from typing import Any

ROOMS = ("compare", "complexity", "errors", "functions", "llc", "maps", "plots", "prior", "subjects", "workflows")


def __getattr__(name: str) -> Any:
    if name in ROOMS:
        return import_module(f"slt_bias.{name}")
    if name == "Estimate":
        from slt_bias.estimate import Estimate

        return Estimate
    raise AttributeError(f"module 'slt_bias' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*ROOMS, "Estimate"]
