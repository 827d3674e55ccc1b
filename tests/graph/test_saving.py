"""Graphs on the disk: whole or not there, one file or two."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from graph.small_graphs import scaled

from ugatit_cli.graph.saving import ALIGNMENT, copy_graph, save_graph, weights_beside
from ugatit_cli.model_file import DATA_SUFFIX

LARGE = np.arange(3 * 128 * 128, dtype=np.float32).reshape(1, 3, 128, 128)


@pytest.mark.parametrize("external", [False, True])
def test_what_was_saved_comes_back(external: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    save_graph(scaled(LARGE), path, external=external)
    assert {each.name for each in tmp_path.iterdir()} == (
        {"a.onnx", "a.onnx" + DATA_SUFFIX} if external else {"a.onnx"}
    )
    onnx.checker.check_model(str(path))
    [weight] = onnx.load(path).graph.initializer
    assert (onnx.numpy_helper.to_array(weight) == LARGE).all()


def test_weights_of_any_name_go_beside_the_copy(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    source, path = tmp_path / "a.onnx", tmp_path / "copy" / "b.onnx"
    path.parent.mkdir()
    onnx.save(scaled(LARGE), source, save_as_external_data=True, location="sub/other.bin")
    copy_graph(source, path)
    assert sorted(each.name for each in path.parent.iterdir()) == ["b.onnx", "b.onnx" + DATA_SUFFIX]
    [weight] = onnx.load(path).graph.initializer
    assert (onnx.numpy_helper.to_array(weight) == LARGE).all()


def test_large_weights_begin_at_a_page(tmp_path: Path) -> None:
    model = scaled(LARGE)
    model.graph.initializer.append(onnx.numpy_helper.from_array(LARGE, "unused"))
    save_graph(model, tmp_path / "a.onnx", external=True)
    model = onnx.load(tmp_path / "a.onnx", load_external_data=False)
    offsets = [
        int(entry.value)
        for tensor in model.graph.initializer
        for entry in tensor.external_data
        if entry.key == "offset"
    ]
    assert len(offsets) == 2 and all(offset % ALIGNMENT == 0 for offset in offsets)
    assert str(tmp_path).encode() not in model.SerializeToString()


def test_weights_beside_a_graph_that_fails_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError), weights_beside(tmp_path / "a.onnx") as beside:
        assert beside.keep(LARGE, "large").external_data
        raise KeyError
    assert not list(tmp_path.iterdir())


def test_small_weights_make_no_second_file(tmp_path: Path) -> None:
    with weights_beside(tmp_path / "a.onnx") as beside:
        small = beside.keep(LARGE[:, :1, :8, :8], "small")
    assert (onnx.numpy_helper.to_array(small) == LARGE[:, :1, :8, :8]).all()
    assert not list(tmp_path.iterdir())


FILL = """
import resource, signal, sys
import numpy as np
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from graph.small_graphs import scaled
from ugatit_cli.errors import UgatitError
from ugatit_cli.graph.saving import save_graph
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    save_graph(scaled(np.ones((1, 3, 128, 128), np.float32)), Path(sys.argv[1]), external=sys.argv[3] == "True")
except UgatitError as error:
    sys.exit(int(error.exit_code))
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit on files here")
@pytest.mark.parametrize("external", [False, True])
def test_a_disk_that_is_full_leaves_what_was_there(external: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(b"old")
    tests = str(Path(__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", FILL, path, tests, str(external)], env=os.environ)
    assert done.returncode == 10
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("a.onnx", b"old")]
