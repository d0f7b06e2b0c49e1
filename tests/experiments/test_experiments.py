"""Every experiment runs in its smallest setting, and what it claims of exact things holds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "experiments"
SCRIPTS = sorted(path for path in FOLDER.glob("*.py") if path.name != "common.py")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_smoke(script, tmp_path):
    command = [sys.executable, str(script), "--smoke", "--json", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["setting"] == "smoke" and summary["claims"]
    for claim in summary["claims"]:
        assert set(claim) == {"name", "claimed", "measured", "low", "high", "holds"}
        assert claim["low"] <= claim["measured"] <= claim["high"]
        assert claim["holds"] is True, claim
    assert json.loads((tmp_path / "claims.json").read_text()) == summary


def test_there_are_experiments():
    assert SCRIPTS
