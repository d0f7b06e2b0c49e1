"""Every notebook runs, and the .ipynb beside it was made from the source that stands there."""

import importlib.util
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
SOURCES = sorted(path for path in FOLDER.glob("*.py") if path.name != "execute.py")


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore:::zmq", "ignore:::jupyter_client", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_notebook_runs_and_is_current(source):
    spec = importlib.util.spec_from_file_location("execute", FOLDER / "execute.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    fresh = module.execute(source)
    kept = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert [cell.source for cell in fresh.cells] == [cell.source for cell in kept.cells]
    outputs = [output for cell in fresh.cells for output in cell.get("outputs", [])]
    assert outputs and any("image/png" in output.get("data", {}) for output in outputs)
    assert not any(output.output_type == "error" for output in outputs)


def test_there_are_notebooks():
    assert SOURCES
