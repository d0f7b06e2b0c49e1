"""The probability of one chosen function: an Estimate of log₂P in bits that says how it was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from slt_bias.estimate import Estimate


@dataclass(frozen=True, kw_only=True)
class FunctionProbability(Estimate):
    """log₂ P(f) of one chosen function, in bits, with how it was found.

    method : "count", "splitting", "orthant", "gaussian-process", "expectation-propagation", "linear programme" or
        "closed form". chosen_because : why `method="auto"` took it, or "".
    evaluations : parameter draws and proposals evaluated for it.
    balls : where several radii were asked for, radius → the probability of that Hamming ball around f.
    evidence : log₂ P(S), the probability that the rows given are fitted; None where none were. The value is then log₂ P(f|S).
    """

    method: str
    evaluations: int = 0
    chosen_because: str = ""
    balls: Mapping[int, FunctionProbability] = field(default_factory=dict)
    evidence: FunctionProbability | None = None

    @property
    def log2_probability(self) -> float:
        """log₂ P(f), bits; −inf where the map cannot compute f, or where f was not met and `status` is suspect."""
        return self.value

    @property
    def log2_low(self) -> float:
        """The lower limit of log₂ P(f)."""
        return self.low

    @property
    def log2_high(self) -> float:
        """The upper limit of log₂ P(f)."""
        return self.high
