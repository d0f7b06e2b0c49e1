"""One file a command: compute → table → figure → report. The only place where measuring and drawing meet.

`sb.workflows.compare.compare(…)`, `sb.workflows.verify.verify()`, …; a workflow is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

COMMANDS = ("blind_spots", "compare", "complexity", "doctor", "families", "probability", "superposition", "verify")


def __getattr__(name: str) -> ModuleType:
    if name in COMMANDS:
        return import_module(f"slt_bias.workflows.{name}")
    raise AttributeError(f"module 'slt_bias.workflows' has no attribute {name!r}")
