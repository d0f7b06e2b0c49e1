"""Every superposition experiment runs in its smallest setting; its claims hold, and its files are there."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from slt_bias.cli import app
from slt_bias.errors import InputError, ResultError, SpecError
from slt_bias.workflows.claims import Claim, claim_lines, counted, fraction
from slt_bias.workflows.superposition import EXPERIMENTS, superposition


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_smoke(name, tmp_path):
    done = CliRunner().invoke(app, ["superposition", name, "--smoke", "--json", "--out", str(tmp_path / name)])
    assert done.exit_code == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["setting"] == "smoke" and summary["experiment"] == name
    assert summary["claims"] and summary["tables"] and summary["figures"]
    for claim in summary["claims"]:
        assert set(claim) == {"name", "claimed", "measured", "low", "high", "holds"}
        assert claim["low"] <= claim["measured"] <= claim["high"]
        assert claim["holds"] is True, claim
    assert json.loads((tmp_path / name / "summary.json").read_text()) == summary
    for stem, path in summary["tables"].items():
        table = pd.read_parquet(path)
        assert len(table) and path.endswith(f"{stem}.parquet")
        assert len(pd.read_csv(tmp_path / name / f"{stem}.csv")) == len(table)
        assert table.attrs["schema_version"] == 1 and table.attrs["experiment"] == name
    for stem in summary["figures"]:
        assert (tmp_path / name / f"{stem}.png").stat().st_size > 5000 and (tmp_path / name / f"{stem}.svg").exists()


def test_equal_seeds_give_equal_results(tmp_path):
    first, second = (superposition("anticorrelated", "smoke", seed=3, out=tmp_path / str(k), workers=k + 1) for k in range(2))
    for stem, table in first.outcome.tables.items():
        pd.testing.assert_frame_equal(table, second.outcome.tables[stem], check_exact=True)
    for path in first.out.glob("*.png"):
        assert path.read_bytes() == (second.out / path.name).read_bytes()


def test_the_list():
    done = CliRunner().invoke(app, ["superposition"])
    assert done.exit_code == 0 and all(name in done.stdout for name in EXPERIMENTS)
    done = CliRunner().invoke(app, ["superposition", "--json"])
    assert json.loads(done.stdout)["experiments"] == EXPERIMENTS


def test_bad_input_costs_one_line(tmp_path):
    done = CliRunner().invoke(app, ["superposition", "kgons"])
    assert done.exit_code == 2 and "Did you mean `k-gons`" in done.stderr and len(done.stderr.splitlines()) == 1
    done = CliRunner().invoke(app, ["superposition", "phase", "--quick", "--smoke"])
    assert done.exit_code == 2 and "one of the two" in done.stderr
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(app, ["superposition", "phase", "--smoke", "--out", str(tmp_path / "file")])
    assert done.exit_code == 2 and "no folder" in done.stderr
    with pytest.raises(SpecError):
        superposition("phases")
    with pytest.raises(InputError):
        superposition("phase", "tiny")
    with pytest.raises(ResultError):
        superposition("phase", "smoke", out=tmp_path / "file")


def test_claims():
    share = fraction("pairs", "at least .85", 91, 100, at_least=0.85)
    assert share.measured == 0.91
    assert (share.low, share.high) == pytest.approx((0.836, 0.958), abs=0.001)  # Clopper & Pearson for 91 of 100
    assert share.holds and not fraction("pairs", "", 84, 100, at_least=0.85).holds
    assert counted("sets", "3", 3, True) == Claim("sets", "3", 3.0, 3.0, 3.0, True)
    lines = claim_lines([share, counted("sets", "3", 2, False)])
    assert "agrees" in lines[0] and "we measure: 0.91 [0.83" in lines[0]
    assert "DISAGREES" in lines[1] and "[" not in lines[1]
