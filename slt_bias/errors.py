"""The errors a user can meet. One base class, so that the command line prints one line and no traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SltBiasError(Exception):
    """Something a user can mend: the message says what is wrong, where, and what to do."""


class SpecError(SltBiasError):
    """A map, an option, a named function or an estimator that does not exist or does not fit."""


class InputError(SltBiasError):
    """Data that cannot be used: a string that is no truth table, rows with NaN, sizes that do not fit."""


class ResultError(SltBiasError):
    """A result file that cannot be read, written or merged."""


class SamplingInterrupted(KeyboardInterrupt):
    """Ctrl-C during sampling: `counts` holds what was finished, `how_to_resume` says how to go on.

    A KeyboardInterrupt, so that code which does not know it still stops.
    """

    def __init__(self, counts: object, how_to_resume: str) -> None:
        super().__init__(how_to_resume)
        self.counts = counts
        self.how_to_resume = how_to_resume


def nearest(word: str, valid: Iterable[str]) -> str:
    """A sentence that names the nearest valid word, or all of them: ' Did you mean `relu`? Known: …'."""
    known = sorted(valid)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f" Did you mean `{close[0]}`?" if close else ""
    return f"{hint} Known: {', '.join(known)}."
