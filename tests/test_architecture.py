"""The layers of docs/architecture.md, read from the syntax tree: a drawing that cannot grow stale."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = "ugatit_cli"

LAYERS = (  # a module imports from the lines below its own; names on one line do not import each other
    ("__init__", "__main__"),
    ("cli",),
    ("commands",),
    ("console",),
    ("training", "benchmarking", "model_folder"),
    ("loading", "filming"),
    ("pipeline", "evaluation", "export", "diagnosis", "steadying"),
    ("hub", "faces"),
    ("weights", "backends", "video"),
    ("network", "framing", "images", "graph"),
    ("gradients", "minimal_filtering", "allocator", "parity", "digests"),
    ("files", "cache", "tile_matrices", "model_file", "crc32c", "tensorflow_files", "shell", "progress"),
    ("config",),
    ("errors",),
)
HEIGHT = {name: len(LAYERS) - line for line, names in enumerate(LAYERS) for name in names}
FOR_EVERYBODY = {"__version__"}  # what the package's own __init__ may be asked for from below

HEAVY = {
    "torch",
    "numpy",
    "cv2",
    "PIL",
    "av",
    "onnx",
    "onnxruntime",
    "openvino",
    "huggingface_hub",
    "accelerate",
    "torchmetrics",
}
HEAVY_AT_MODULE_LEVEL = {  # everybody else imports them inside functions: see "Start-up" in docs/architecture.md
    "torch": r"network|gradients|minimal_filtering|evaluation(\..+)?|backends\.pytorch(_\w+)?|training(\..+)?|weights(\..+)?",
    "numpy": r"network|framing|evaluation(\..+)?|images(\..+)?|graph\..+|export\..+|backends\..+|benchmarking\.contest"
    r"|steadying\..+|video\..+|filming\..+|training(\..+)?|weights(\..+)?|model_folder\.samples|faces\..+",
    "PIL": r"framing|images(\..+)?|video\..+|filming\..+|training(\..+)?",
    "av": r"video\..+",
    "onnx": r"graph\..+|export\..+",
    "onnxruntime": r"backends\.onnx|export\.int8",
    "accelerate": r"training(\..+)?",
    "torchmetrics": r"evaluation(\..+)?",
}
LIGHT_ALL_THE_SAME = {
    *("training.config", "training.launch", "video.kinds", "video.sniffing", "video.window"),
    *("filming.plan", "filming.settings", "filming.camera_names"),
}

DISTRIBUTIONS = {  # where the import's name is not the distribution's
    **{"huggingface_hub": "huggingface-hub", "cv2": "opencv-python", "PIL": "pillow", "google": "protobuf"},
    "onnxruntime": "onnxruntime-gpu",  # or, where there is no such wheel, the one that bears its own name
}
ONLY_IF_INSTALLED = {"openvino"}
IMPORTED_BY_OTHERS = {"tensorboard"}  # by accelerate, as its tracker

MOST_LINES = 40
MOST_PARAMETERS = 6


@dataclass(frozen=True)
class Import:
    """One import: `module` asks for `target`, both as dotted names, the package's own without its prefix."""

    module: str
    target: str
    line: int
    own: bool
    at_module_level: bool

    @property
    def root(self) -> str:
        return self.target.split(".")[0]


def module_name(package: Path, file: Path) -> str:
    parts = file.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def modules(package: Path) -> dict[str, Path]:
    return {module_name(package, file): file for file in sorted(package.rglob("*.py"))}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def import_statements(tree: ast.AST, *, lazy: bool = False) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Every import statement, wherever it stands, and whether it runs only later or never."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, lazy
        deferred = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or is_type_checking(node)
        yield from import_statements(node, lazy=lazy or deferred)


def absolute_names(node: ast.Import | ast.ImportFrom, home: list[str]) -> Iterator[str]:
    """Full dotted names a statement asks for, in a module that lives in the package `home`."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = home[: len(home) + 1 - node.level] if node.level else []
    for alias in node.names:
        yield ".".join([*base, *([node.module] if node.module else []), alias.name])


def imports_of(package: Path) -> list[Import]:
    known = modules(package)
    found = []
    for module, file in known.items():
        is_package = file.name == "__init__.py"
        inner = [] if module == "__init__" else module.split(".")
        home = [PACKAGE, *(inner if is_package else inner[:-1])]
        for node, lazy in import_statements(ast.parse(file.read_text(encoding="utf-8"))):
            for name in absolute_names(node, home):
                own = name == PACKAGE or name.startswith(f"{PACKAGE}.")
                target = name.removeprefix(PACKAGE).removeprefix(".") if own else name
                found.append(Import(module, target, node.lineno, own, not lazy))
    return found


def layer_faults(package: Path) -> list[str]:
    """One line for each module without a layer and each import that does not go downwards."""
    faults = [f"{module}: has no layer" for module in modules(package) if module.split(".")[0] not in HEIGHT]
    for found in imports_of(package):
        module = found.module.split(".")[0]
        if not found.own or module not in HEIGHT or found.target in FOR_EVERYBODY or found.root == module:
            continue
        if HEIGHT.get(found.root, HEIGHT["__init__"]) >= HEIGHT[module]:
            faults.append(f"{found.module}:{found.line}: must not import {found.target or PACKAGE}")
    return faults


def heavy_faults(package: Path) -> list[str]:
    """One line for each library that costs start-up time and is imported at the level of a module that must not."""
    faults = []
    for found in imports_of(package):
        if found.own or not found.at_module_level or found.root not in HEAVY:
            continue
        allowed = re.fullmatch(HEAVY_AT_MODULE_LEVEL.get(found.root, ""), found.module)
        if not allowed or found.module in LIGHT_ALL_THE_SAME:
            faults.append(f"{found.module}:{found.line}: {found.root} belongs inside a function")
    return faults


def size_faults(name: str, source: str) -> list[str]:
    """One line for each function that is too long (its docstring does not count) or takes too much."""
    faults = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
        given = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        parameters = [argument for argument in given if argument not in ("self", "cls")]
        if lines > MOST_LINES:
            faults.append(f"{name}: {node.name} has {lines} lines")
        if len(parameters) > MOST_PARAMETERS and not name.startswith("commands."):
            faults.append(f"{name}: {node.name} takes {len(parameters)} parameters")
    return faults


def test_imports_go_downwards() -> None:
    assert layer_faults(REPOSITORY / PACKAGE) == []


def test_heavy_libraries_are_imported_late() -> None:
    assert heavy_faults(REPOSITORY / PACKAGE) == []


def test_functions_are_short() -> None:
    files = modules(REPOSITORY / PACKAGE).items()
    assert [fault for name, file in files for fault in size_faults(name, file.read_text(encoding="utf-8"))] == []


def test_every_library_imported_is_declared() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[\s<>=!~;\[]", line)[0].lower() for line in project["dependencies"]}
    imported = {found.root for found in imports_of(REPOSITORY / PACKAGE) if not found.own} - sys.stdlib_module_names
    needed = {DISTRIBUTIONS.get(name, name) for name in imported - ONLY_IF_INSTALLED}
    assert needed | IMPORTED_BY_OTHERS == declared - {"onnxruntime"}


def test_constraints_pin_what_is_declared() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    pins = re.findall(r"^([\w-]+)==\d", (REPOSITORY / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(pins) == sorted(line.split(">=")[0] for line in declared)


def test_the_drawing_in_the_docs_is_this_one() -> None:
    page = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = [tuple(line.split(" · ")) for line in page.split("```layers\n")[1].split("\n```")[0].splitlines()]
    assert drawn == list(LAYERS)


@pytest.mark.parametrize(
    ("file", "line", "fault"),
    [
        ("images.py", "from .pipeline import run", "images:1: must not import pipeline.run"),
        ("images.py", "def f():\n    from . import pipeline", "images:2: must not import pipeline"),
        ("images.py", "import ugatit_cli.pipeline", "images:1: must not import pipeline"),
        ("images.py", "from .framing import frame", "images:1: must not import framing.frame"),
        ("images.py", "if TYPE_CHECKING:\n    from .cli import main", "images:2: must not import cli.main"),
        ("images.py", "from . import helpers", "images:1: must not import helpers"),
        ("images.py", "from . import translate", "images:1: must not import translate"),
        (
            "weights/official.py",
            "from ..backends import load_backend",
            "weights.official:1: must not import backends.load_backend",
        ),
        ("weights/__init__.py", "from ..hub import resolve", "weights:1: must not import hub.resolve"),
        ("training/fit.py", "from ..console import say", "training.fit:1: must not import console.say"),
        ("helpers.py", "", "helpers: has no layer"),
        ("shapes/square.py", "", "shapes.square: has no layer"),
    ],
)
def test_a_wrong_import_is_found(tmp_path: Path, file: str, line: str, fault: str) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(line, encoding="utf-8")
    assert layer_faults(tmp_path) == [fault]


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("pipeline/run.py", "from .plan import plan\nfrom ..images import read"),
        ("commands/train.py", "from ..training import fit\nfrom .options import Device"),
        ("weights/__init__.py", "from .official import load\nfrom ..config import GeneratorConfig"),
        ("files.py", "from . import __version__"),
        ("__init__.py", "def translate():\n    from .pipeline import run"),
    ],
)
def test_a_right_import_is_let_through(tmp_path: Path, file: str, line: str) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(line, encoding="utf-8")
    assert layer_faults(tmp_path) == []


@pytest.mark.parametrize(
    ("file", "source", "faults"),
    [
        ("cli.py", "import torch", ["cli:1: torch belongs inside a function"]),
        ("cli.py", "def f():\n    import torch", []),
        (
            "cli.py",
            "try:\n    import numpy as np\nexcept ImportError:\n    pass",
            ["cli:2: numpy belongs inside a function"],
        ),
        ("images.py", "import numpy", []),
        ("images.py", "from cv2 import resize", ["images:1: cv2 belongs inside a function"]),
        ("training/fit.py", "from torch import nn", []),
        ("training/config.py", "from torch import nn", ["training.config:1: torch belongs inside a function"]),
    ],
)
def test_a_heavy_import_is_found(tmp_path: Path, file: str, source: str, faults: list[str]) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(source, encoding="utf-8")
    assert heavy_faults(tmp_path) == faults


def test_a_long_function_is_found() -> None:
    body = "\n".join("    x = 1" for _ in range(MOST_LINES))
    assert size_faults("images", f"def read():\n    '''Say it.'''\n{body}") == []
    assert size_faults("images", f"def read():\n{body}\n    x = 1") == [f"images: read has {MOST_LINES + 1} lines"]


def test_a_greedy_function_is_found() -> None:
    assert size_faults("images", "def read(self, a, b, c, *, d, e, f): pass") == []
    assert size_faults("images", "def read(a, b, c, d, *, e, f, g): pass") == ["images: read takes 7 parameters"]
    assert size_faults("commands.train", "def train(a, b, c, d, *, e, f, g): pass") == []
