import os
import subprocess
import sys

import pytest

from slt_bias.errors import ResultError
from slt_bias.files import check_writable, replacing, write_text


def test_whole_or_not_at_all(tmp_path):
    path = write_text(tmp_path / "new" / "a.txt", "old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and os.listdir(path.parent) == ["a.txt"]


def test_full_disk(tmp_path):
    path = write_text(tmp_path / "a.txt", "old")
    with pytest.raises(ResultError, match=r"a\.txt: the disk is full"), replacing(path):
        raise OSError(28, "No space left on device")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_unwritable(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultError, match="file: exists and is no folder"):
        check_writable(tmp_path / "file" / "below")
    assert check_writable(tmp_path / "fine") == tmp_path / "fine"
    assert os.listdir(tmp_path / "fine") == []


def test_killed_in_the_middle(tmp_path):
    path = write_text(tmp_path / "a.txt", "old")
    code = (
        "import os, sys, pathlib\nfrom slt_bias.files import replacing\n"
        "with replacing(pathlib.Path(sys.argv[1])) as t:\n    t.write_text('half')\n    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -9 and path.read_text() == "old"
