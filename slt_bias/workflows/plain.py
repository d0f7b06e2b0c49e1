"""Results as what JSON knows: plain Python, and null for numbers that are not finite."""

from __future__ import annotations

import math
from typing import Any


def plain(value: Any) -> Any:
    """The value with numpy's numbers turned into Python's, keys into text, and NaN and infinity into None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
