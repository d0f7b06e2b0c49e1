"""Help is quick, plain and complete."""

import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from slt_bias.cli import app

COMMANDS = ("compare", "probability", "blind-spots", "complexity", "maps", "llc", "superposition", "doctor", "verify")
HEAVY = ("numpy", "torch", "pandas", "scipy", "numba", "matplotlib", "rich")


def test_help_imports_nothing_heavy():
    code = f"""
import sys
from slt_bias.cli import app
try:
    app(["--help"])
except SystemExit:
    assert not set({HEAVY}) & set(sys.modules), set({HEAVY}) & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "compare" in done.stdout


def test_help_answers_in_half_a_second():
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "from slt_bias.cli import main; main()", "--help"], capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.5


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command):
    done = CliRunner().invoke(app, [command, "--help"])
    assert done.exit_code == 0
    assert f"Example: slt-bias {command}" in done.stdout
    assert "--debug" in done.stdout and "--json" in done.stdout
    assert "\x1b" not in done.stdout


def test_no_command_shows_the_help():
    assert CliRunner().invoke(app, []).stdout == CliRunner().invoke(app, ["--help"]).stdout


def test_version():
    from importlib.metadata import version

    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"slt-bias {version('slt-bias')}\n")
