"""The map families with their options: what `slt-bias maps` prints."""

from __future__ import annotations

from typing import Any

from slt_bias.maps.law import PRESETS
from slt_bias.maps.options import Option
from slt_bias.maps.registry import FAMILIES, INPUT_OPTIONS, family

RULE = "a function is 1 where the output is > 0; an output of exactly 0 gives 0"


def families() -> dict[str, Any]:
    """Everything that can stand in a map's spec.

    Keys: families (name, summary, options of each), inputs (options that every family has), presets (names of published
    laws), rule (how an output becomes a bit). An option has name, default (as text) and meaning.
    """
    return {
        "families": [
            {"name": name, "summary": family(name).summary, "options": [_described(option) for option in family(name).options]}
            for name in FAMILIES
        ],
        "inputs": [_described(option) for option in INPUT_OPTIONS],
        "presets": list(PRESETS),
        "rule": RULE,
    }


def _described(option: Option) -> dict[str, str]:
    return {"name": option.name, "default": option.default, "meaning": option.meaning}
