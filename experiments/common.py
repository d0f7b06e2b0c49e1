"""What every experiment does alike: three settings, and claims printed beside what was measured."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from slt_bias.workflows.claims import Claim, claim_lines


@dataclass(frozen=True)
class Setting:
    """How much to do and where to put it."""

    name: str  # full, quick or smoke
    out: Path
    seed: int
    as_json: bool


def setting(description: str | None, name: str) -> Setting:
    """The setting that the command line asks for."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="at most 60 seconds")
    size.add_argument("--smoke", action="store_true", help="at most 8 seconds: what the tests run")
    parser.add_argument("--out", type=Path, default=Path("runs") / name, help="folder of the results (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else on standard output")
    given = parser.parse_args()
    chosen = "smoke" if given.smoke else "quick" if given.quick else "full"
    return Setting(chosen, given.out, given.seed, given.json)


def report(chosen: Setting, title: str, claims: list[Claim], **more: object) -> None:
    """Print the table (or JSON) and keep it as claims.json beside the figures."""
    from slt_bias.files import write_text

    summary = {"experiment": title, "setting": chosen.name, "seed": chosen.seed, "claims": [asdict(c) for c in claims], **more}
    write_text(chosen.out / "claims.json", json.dumps(summary, indent=2, default=_plain))
    if chosen.as_json:
        print(json.dumps(summary, default=_plain))
        return
    print(title)
    for line in claim_lines(claims):
        print(line)
    print(f"figure and numbers: {chosen.out}", file=sys.stderr)


def _plain(number: object) -> object:
    """numpy's numbers and truth values as Python's own."""
    return number.item()  # type: ignore[attr-defined]
