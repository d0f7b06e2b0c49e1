"""Write docs/superposition.md and its pictures from the results of `slt-bias superposition all`.

Run: .venv/bin/slt-bias superposition all && .venv/bin/python docs/gallery.py [runs/superposition]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).parent
WIDEST = 1000  # pixels
HEAD = """# Toy models of superposition: the gallery

Every experiment of Elhage et al. 2022 ("Toy Models of Superposition") and Chen et al. 2023 (arXiv 2310.06301), as
`slt-bias superposition NAME` draws it in its full setting. The tables say what the paper, or an earlier measurement, says, what
was measured here (with its 95 % interval where there is sampling error), and whether both agree. This page is written by
`docs/gallery.py`.
"""


def section(summary: dict, pictures: Path) -> str:
    """One experiment: what it shows, its pictures, its claims, its notes."""
    name = summary["experiment"]
    lines = [f"## {name}", "", f"{summary['about'][0].upper()}{summary['about'][1:]}. `slt-bias superposition {name}`", ""]
    for stem, path in summary["figures"].items():
        target = pictures / f"{name}-{stem}.png"
        with Image.open(path) as image:
            small = image.convert("RGB")
            if small.width > WIDEST:
                small = small.resize((WIDEST, round(small.height * WIDEST / small.width)), Image.Resampling.LANCZOS)
            small.quantize(128).save(target, optimize=True)
        lines += [f"![{name}: {stem.replace('_', ' ')}]({pictures.name}/{target.name})", ""]
    lines += ["| statement | says | measured | |", "|---|---|---|---|"]
    for claim in summary["claims"]:
        exact = claim["low"] == claim["high"]
        measured = f"{claim['measured']:.4g}" + ("" if exact else f" [{claim['low']:.3g}, {claim['high']:.3g}]")
        cells = [claim["name"], claim["claimed"], measured, "agrees" if claim["holds"] else "**disagrees**"]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    lines += ["", *(f"- {note}" for note in summary["notes"]), ""]
    return "\n".join(lines)


def main(runs: Path) -> None:
    """Write the page for all experiments found below `runs`."""
    from slt_bias.workflows.superposition import EXPERIMENTS

    pictures = FOLDER / "superposition"
    pictures.mkdir(exist_ok=True)
    for old in pictures.glob("*.png"):
        old.unlink()
    summaries = [json.loads((runs / name / "summary.json").read_text(encoding="utf-8")) for name in EXPERIMENTS]
    parts = [section(summary, pictures) for summary in summaries]
    (FOLDER / "superposition.md").write_text("\n".join([HEAD, *parts]), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/superposition"))
