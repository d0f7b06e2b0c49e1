"""Short labels and file names for maps."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from slt_bias.errors import SltBiasError, SpecError
from slt_bias.maps.base import FamilyMember
from slt_bias.maps.options import split
from slt_bias.maps.registry import parse

LONGEST = 80  # characters of a file name before its hash


def labels(maps: Sequence[FamilyMember]) -> list[str]:
    """A label a map: its family, and what tells it from the other maps of that family.

    Raises SpecError where two maps have the same spec.
    """
    parts = [_parts(map.spec) for map in maps]
    found = []
    for map, own in zip(maps, parts, strict=True):
        same_family = [other for other in parts if other[0] == own[0]]
        if same_family.count(own) > 1:
            raise SpecError(f"two maps are `{map.spec}`: give each once.")
        common = set.intersection(*(set(other) for other in same_family))
        found.append(" ".join([own[0], *(_short(part) for part in own[1:] if part not in common)]))
    return found


def file_name(map: FamilyMember) -> str:
    """A safe file name that depends on the spec alone: the family, the options that are no defaults, and a hash."""
    own = _parts(map.spec)
    text = "-".join([own[0], *(_short(part) for part in _unusual(own))])
    safe = re.sub(r"[^A-Za-z0-9._=+-]+", "-", text)[:LONGEST].strip("-.")
    return f"{safe}-{hashlib.blake2b(map.spec.encode(), digest_size=4).hexdigest()}"


def _parts(spec: str) -> list[str]:
    name, _, rest = spec.partition(":")
    return [name, *split(rest)]


def _unusual(own: list[str]) -> list[str]:
    """The options that are no defaults of their family."""
    try:
        usual = _parts(parse(own[0]).spec)
    except SltBiasError:  # a module has no default
        usual = []
    return [part for part in own[1:] if part not in usual]


def _short(part: str) -> str:
    """An option; of another map in brackets, as in `scrambled:map=[…]`, only what is no default."""
    name, equals, value = part.partition("=")
    if not value.startswith("["):
        return part
    own = _parts(value[1:-1])
    inner = own[0] + "".join(f" {_short(option)}" for option in _unusual(own))
    return f"{name}{equals}[{inner}]"
