"""What every experiment of the superposition subject is given, and what it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import pandas as pd
from matplotlib.figure import Figure

from slt_bias.workflows.claims import Claim

Size = Literal["full", "quick", "smoke"]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Setting:
    """How much to do: the full experiment, "quick" (at most 60 seconds on two cores) or "smoke" (at most 8)."""

    size: Size = "full"
    seed: int = 0
    workers: int | None = None
    progress: bool = False

    def pick(self, full: Value, quick: Value, smoke: Value) -> Value:
        """The value for this size."""
        return {"full": full, "quick": quick, "smoke": smoke}[self.size]


@dataclass(frozen=True)
class Outcome:
    """What was found.

    claims : the paper's statements beside the measured numbers; every geometric one both as the best of the seeds and as a
    fraction of the seeds. tables, figures : by name, the stem of their files. notes : what to know when reading, a sentence each.
    """

    claims: tuple[Claim, ...]
    tables: dict[str, pd.DataFrame]
    figures: dict[str, Figure]
    notes: tuple[str, ...] = field(default=())


Experiment = Callable[[Setting], Outcome]
