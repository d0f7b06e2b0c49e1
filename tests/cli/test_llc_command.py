"""`slt-bias llc`: what it prints, what it writes, and what it refuses."""

import functools
import json
import os
import re

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from slt_bias.cli import app

LOW_BUDGET = ("--chains", "4", "--draws", "60", "--burn-in", "30")
FACTORY = """
import torch
from slt_bias.llc.losses import squared_error

def factory():
    print("BUILT")
    x = torch.linspace(-1, 1, 40, dtype=torch.float64)[:, None]
    model = torch.nn.Sequential(torch.nn.Linear(1, 1, dtype=torch.float64))
    with torch.no_grad():
        model[0].weight.fill_(2.0), model[0].bias.fill_(0.5)
    return model, squared_error(), (x, 2 * x + 0.5)

def broken():
    raise RuntimeError("by design")

def half():
    return torch.nn.Linear(1, 1)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder with a module of its own, which is the current one."""
    (tmp_path / "my_llc_systems.py").write_text(FACTORY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def invoke(*arguments):
    done = CliRunner().invoke(app, ["llc", *arguments])
    assert "\x1b" not in done.output
    return done


def test_a_known_system_beside_its_truth(tmp_path):
    out = tmp_path / "a name with spaces, ünicode"
    arguments = ["deep-linear", "--widths", "3,2", "--rank", "1", "--out", str(out), *LOW_BUDGET]
    done = invoke(*arguments)
    assert done.exit_code == 0, done.stderr
    assert re.search(r"at\s+estimate\s+low\s+high\s+exact\s+m\s+status\s+reasons", done.stdout)
    assert f"report: {out / 'report.html'}" in done.stdout
    assert "nβ = 10000 (another one: --inverse-temperature)" in done.stderr  # the population loss has no n
    (row,) = pd.read_csv(out / "table.csv").to_dict("records")
    assert (row["truth"], row["inverse_temperature"]) == (3.0, 1e4)
    page = (out / "report.html").read_text()
    assert page.count('src="data:image/png;base64,') == 1 and 'src="http' not in page and "Aoyagi 2024" in page
    assert np.load(out / "traces.npz")["deep_linear:widths=3x2,rank=1,point=aligned"].shape == (4, 60)
    assert not [path for path in out.rglob("*") if path.name.endswith(".tmp")]

    again = invoke(*arguments, "--json")
    summary = json.loads(again.stdout)
    assert summary == json.loads((out / "summary.json").read_text())
    (estimate,) = summary["estimates"]
    assert estimate["learning_coefficient"] == pytest.approx(row["learning_coefficient"], rel=1e-12)  # the same seed
    assert {"status", "reasons", "low", "high", "checks", "rhat"} <= set(estimate)


def test_reference_over_given_temperatures_draws_them(tmp_path):
    arguments = ["reduced-rank", "--widths", "2,1,2", "--rank", "0", "--method", "reference", "--out", str(tmp_path)]
    ladder = ["--inverse-temperature", "1e3,1e4", "--inverse-temperature", "1e5"]
    done = invoke(*arguments, *ladder, "--chains", "2", "--draws", "20", "--burn-in", "10", "--json")
    assert done.exit_code == 0, done.stderr
    (estimate,) = json.loads(done.stdout)["estimates"]
    assert estimate["truth"] == 1.0 and estimate["inverse_temperature"] == pytest.approx(1e5)
    assert {1e3, 1e4, 1e5} <= {round(rung["inverse_temperature"], 6) for rung in estimate["temperatures"]}
    assert (tmp_path / "temperatures.png").exists()


def test_a_figure_of_an_earlier_run_does_not_stay(tmp_path):
    for name in ("temperatures.png", "trajectory.svg", "volume.png"):
        (tmp_path / name).touch()
    assert invoke("regression", "--inputs", "2", "--examples", "50", "--out", str(tmp_path), *LOW_BUDGET).exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "table.csv", "summary.json", "report.html", "traces.npz", "traces.png", "traces.svg",
    }  # fmt: skip


def test_volume(tmp_path, monkeypatch):
    from slt_bias.workflows import learning_coefficient as workflow

    small = functools.partial(workflow.volume_scaling, particles=200, replicates=4, depth=20)
    monkeypatch.setattr(workflow, "volume_scaling", small)
    done = invoke("deep-linear", "--widths", "2,1", "--rank", "1", "--method", "volume", "--out", str(tmp_path), "--json")
    (estimate,) = json.loads(done.stdout)["estimates"]
    # of a regular system the volume is a power of ε; 99.9 % of runs lie within twice the 95 % interval
    half = estimate["high"] - estimate["low"]
    assert abs(estimate["learning_coefficient"] - 1.0) < half
    assert (tmp_path / "volume.png").exists() and not (tmp_path / "traces.npz").exists()


def test_checkpoints_make_a_trajectory(own):
    weights = [torch.full((1, 1), 2.0 + far, dtype=torch.float64) for far in (1.0, 0.1, 0.0)]
    states = [{"0.weight": weight, "0.bias": torch.full((1,), 0.5, dtype=torch.float64)} for weight in weights]
    save_file(states[0], "step-5.safetensors")
    torch.save(states[1], "step-50.pt")
    torch.save({"state_dict": states[2]}, "step-500.pt")
    files = [option for name in ("step-5.safetensors", "step-50.pt", "step-500.pt") for option in ("--checkpoint", name)]
    done = invoke("module:my_llc_systems:factory", *files, *LOW_BUDGET, "--json")
    assert done.exit_code == 0, done.stderr
    assert "BUILT" in done.stderr
    rows = json.loads(done.stdout)["estimates"]
    assert [(row["label"], row["step"]) for row in rows] == [("step-5.safetensors", 5), ("step-50.pt", 50), ("step-500.pt", 500)]
    # the mean of ½(far·x)² over the rows of x
    spread = float((torch.linspace(-1, 1, 40).double() ** 2).mean())
    assert [row["baseline"] for row in rows] == pytest.approx([spread / 2, spread / 200, 0.0])
    assert rows[0]["status"] == "suspect" and "no" in rows[0]["reasons"][0]  # w* is no minimum
    assert (own / "runs/llc/trajectory.png").exists()
    lonely = invoke("module:my_llc_systems:factory", "--checkpoint", "step-500.pt", *LOW_BUDGET, "--out", "one", "--json")
    (row,) = json.loads(lonely.stdout)["estimates"]
    assert (row["label"], row["step"], row["baseline"]) == ("step-500.pt", None, 0.0)


MISTAKES = {
    "unknown system": (["deep-linaer"], "Did you mean `deep-linear`?"),
    "no rank": (["deep-linear", "--widths", "3,2"], "needs --rank"),
    "no widths": (["reduced-rank", "--rank", "1"], "needs --widths"),
    "widths in words": (["deep-linear", "--widths", "3,two", "--rank", "1"], "whole numbers with commas"),
    "a rank too large": (["deep-linear", "--widths", "3,2", "--rank", "3"], "from 0 to 2"),
    "four widths": (["reduced-rank", "--widths", "3,2,2,3", "--rank", "1"], "three widths"),
    "too wide": (["deep-linear", "--widths", "100000,100000", "--rank", "1"], "10,000,000,000 parameters"),
    "unknown point": (["deep-linear", "--widths", "3,2", "--rank", "1", "--point", "alinged"], "Did you mean `aligned`?"),
    "exponents of another": (["regression", "1,2"], "regression has no EXPONENTS"),
    "no exponents": (["monomial"], "needs its exponents"),
    "constant": (["monomial", "0,0"], "no minimum at 0"),
    "an option of another": (["monomial", "1,2", "--rank", "1"], "monomial has no --rank"),
    "checkpoints of a known system": (["monomial", "1,2", "--checkpoint", "a.pt"], "monomial has no --checkpoint"),
    "unknown method": (["monomial", "1,2", "--method", "fats"], "Did you mean `fast`?"),
    "several temperatures": (["monomial", "1,2", "--inverse-temperature", "1,2"], "several: method reference"),
    "no temperature": (["monomial", "1,2", "--inverse-temperature", "hot"], "`hot`: give nβ"),
    "negative temperature": (["monomial", "1,2", "--inverse-temperature", "-1"], "`-1`: give nβ"),
    "chains of a volume": (["monomial", "1,2", "--method", "volume", "--chains", "3"], "leave out chains"),
    "no draws": (["monomial", "1,2", "--draws", "0"], "at least 1"),
    "negative localization": (["monomial", "1,2", "--localization", "-1"], "localization = -1"),
    "confidence": (["monomial", "1,2", "--confidence", "95"], "between 0 and 1"),
    "unknown parameter": (["monomial", "1,2", "--parameters", "weight"], "Did you mean `weights`?"),
    "missing module": (["module:no_such_module:factory"], "no_such_module"),
    "failing factory": (["module:my_llc_systems:broken"], "RuntimeError: by design"),
    "half a factory": (["module:my_llc_systems:half"], "must return (model, loss, data)"),
    "missing checkpoint": (["module:my_llc_systems:factory", "--checkpoint", "none.pt"], "none.pt: no such checkpoint"),
}


@pytest.mark.parametrize(("arguments", "words"), MISTAKES.values(), ids=list(MISTAKES))
def test_one_line_and_exit_code_2(own, arguments, words):
    done = invoke(*arguments)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and words in lines[0] and "Traceback" not in done.stderr
    assert not os.path.exists("runs/llc/report.html")


def test_a_checkpoint_of_another_architecture_names_its_keys(own):
    torch.save({"0.weight": torch.zeros(2, 1), "1.weight": torch.zeros(1)}, "other.pt")
    done = invoke("module:my_llc_systems:factory", "--checkpoint", "other.pt")
    assert done.exit_code == 2 and "missing: 0.bias" in done.stderr and "unexpected: 1.weight" in done.stderr


def test_a_checkpoint_with_code_is_not_run(own):
    class Evil:
        def __reduce__(self):
            return os.system, ("touch executed",)

    torch.save({"0.weight": Evil()}, "evil.pt")
    done = invoke("module:my_llc_systems:factory", "--checkpoint", "evil.pt")
    assert done.exit_code == 2 and "never loaded" in done.stderr
    assert not (own / "executed").exists()


def test_a_failed_estimate_is_a_result(own, monkeypatch):
    """All chains diverge: NaN, `failed` and its reason in the table, exit code 0, null in the JSON."""
    from slt_bias.llc import fast

    right = fast.sample

    def diverging(*arguments):
        chains = right(*arguments)
        chains.losses[:] = np.nan
        chains.diverged[:] = 0
        chains.last[:] = np.nan
        return chains

    monkeypatch.setattr(fast, "sample", diverging)
    done = invoke("module:my_llc_systems:factory", *LOW_BUDGET)
    assert done.exit_code == 0, done.stderr
    assert re.search(r"–\s+–\s+–\s+–\s+failed", done.stdout)
    assert "left the finite numbers" in done.stdout
    summary = json.loads((own / "runs/llc/summary.json").read_text())
    assert summary["estimates"][0]["learning_coefficient"] is None


def test_help():
    done = invoke("--help")
    assert done.exit_code == 0 and "Example: slt-bias llc" in done.stdout and "exit code is 0" in " ".join(done.stdout.split())
