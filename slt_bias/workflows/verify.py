"""Known answers, measured on the user's own machine: what `slt-bias verify` prints."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from slt_bias.progress import Progress
from slt_bias.workflows.truths import VERIFICATIONS


def verify(seed: int = 0, progress: bool = False) -> pd.DataFrame:
    """A row a truth: name, source, truth, estimate, low, high, holds (the 99.9 % interval holds the truth).

    Rows without an interval (low and high NaN) are exact. One random row in a thousand fails by chance: another seed
    tells chance from a fault.
    """
    rows = []
    with Progress("verifying", len(VERIFICATIONS), progress) as bar:
        for done, verification in enumerate(VERIFICATIONS, 1):
            rows += [asdict(row) for row in verification(seed)]
            bar.update(done)
    return pd.DataFrame(rows)
