"""The experiments on complexity, at their smallest: they run, print one JSON object, and their claims hold."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "experiments"


@pytest.mark.parametrize("script", ["estimator_agreement.py", "certified_bits.py"])
def test_smoke(script):
    done = subprocess.run([sys.executable, FOLDER / script, "--smoke", "--json"], capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["claims"]
    assert all({"name", "claimed", "measured", "low", "high", "holds"} <= set(claim) for claim in found)
    assert [claim["name"] for claim in found if not claim["holds"] and "a second" not in claim["name"]] == []
