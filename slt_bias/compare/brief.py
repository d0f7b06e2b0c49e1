"""An estimate in a few characters, for a repr."""

from __future__ import annotations

from slt_bias.estimate import Estimate


def brief(estimate: Estimate) -> str:
    """Value, interval, unit and status; the reasons stay with the estimate."""
    if estimate.status == "failed":
        return "failed"
    unit = {"bits": " bits"}.get(estimate.unit, "")
    status = "" if estimate.status == "ok" else f" ({estimate.status})"
    return f"{estimate.value:.3g} [{estimate.low:.3g}, {estimate.high:.3g}]{unit}{status}"
