"""Ways to run a generator, beside the plain eager one in float32: time, memory, start-up.

    python benchmarks/inference.py [--variants light,full] [--channels 64] [--size 256] [--batches 1,8] [--runs 7]
                                   [--model FILE] [--device cpu|cuda] [--json FILE]

Every way lives in a process of its own; all are called in turn, so that whatever else the machine does hits all of them.
Random weights, or with --model a file's own (and then int8, too). Times are medians, ratios are medians of the rounds'
ratios. Memory is the process's peak, and on a GPU also the most that PyTorch allocated there (ONNX Runtime does not say). End to
end is one JPEG in a fresh process: `ugatit translate` with its cache filled, and a
script that loads the plain generator's .pt file with torch and translates the same JPEG.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
PHOTOGRAPH = REPOSITORY / "examples" / "hopper.jpg"
PLAIN = "plain"


@dataclass
class Way:
    """One process that translates when asked, and what it took."""

    name: str
    process: subprocess.Popen[str]
    seconds: list[float] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        work(json.loads(sys.argv[2]))
        return
    if sys.argv[1:2] == ["--script"]:
        script(*sys.argv[2:])
        return
    arguments = parse_arguments()
    found = []
    for variant in [""] if arguments.model else arguments.variants.split(","):
        with tempfile.TemporaryDirectory() as folder:
            files = prepare(Path(folder), variant, arguments)
            for batch in map(int, arguments.batches.split(",")):
                found += compare(files, batch, arguments)
            found.append(end_to_end(files, arguments))
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", default="light,full", help="separated by commas")
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batches", default="1,8", help="pictures per call, separated by commas")
    parser.add_argument("--runs", type=int, default=7, help="rounds that are timed")
    parser.add_argument("--model", type=Path, help="weights in place of random ones; adds int8")
    parser.add_argument(
        "--device", default="cpu", choices=("cpu", "cuda"), help="for all ways: pictures go there and back"
    )
    parser.add_argument("--json", type=Path, help="write all numbers to this file")
    return parser.parse_args()


def prepare(folder: Path, variant: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Weights as our file and as a .pt of the plain generator, and graphs from them."""
    done = subprocess.run(
        [
            sys.executable,
            __file__,
            "--worker",
            json.dumps({"make": str(folder), "variant": variant, **plain(arguments)}),
        ],
        env=environment(folder),
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        sys.exit(done.returncode)  # it has said why
    files: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    for spec in files["ways"].values():  # graphs are made once: neither their time nor their memory is of interest here
        task = json.dumps({**spec, "batch": 1, "size": arguments.size, "device": arguments.device})
        command = [sys.executable, __file__, "--worker", task]
        subprocess.run(
            command, env=environment(folder), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True
        )
    return files | {"folder": str(folder)}


def plain(arguments: argparse.Namespace) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in vars(arguments).items()}


def environment(folder: Path) -> dict[str, str]:
    """The checkout's own package, and a cache of its own."""
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "UGATIT_CACHE": str(folder / "cache")}


def compare(files: dict[str, Any], batch: int, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """All ways, alive side by side, called in turn."""
    ways = [start(name, spec, files, batch, arguments) for name, spec in files["ways"].items()]
    for turn in range(arguments.runs + 1):
        for way in ways[turn % len(ways) :] + ways[: turn % len(ways)]:
            seconds = ask(way, "call")["seconds"]
            if turn:
                way.seconds.append(seconds)
    for way in ways:
        way.report = ask(way, "end")
        way.process.communicate(timeout=60)
    print(f"\n{files['title']}, {arguments.size}x{arguments.size}, batch {batch}, {arguments.device}")
    reference = ways[0]
    rows = []
    for way in ways:
        ratio = statistics.median(a / b for a, b in zip(reference.seconds, way.seconds, strict=True))
        row = {"case": files["title"], "batch": batch, "way": way.name, "ms": 1000 * statistics.median(way.seconds)}
        row |= {"device": arguments.device, "ratio": ratio, **way.report}
        rows.append(row)
        memory = row["peak_mb"] / reference.report["peak_mb"]
        text = f"  {way.name:20} {row['ms']:9.1f} ms  {ratio:5.2f} times   peak {row['peak_mb']:6.0f} MB ({memory:.2f})"
        text += f"   load {row['load_s']:.2f} s"
        text += f"   GPU {row['gpu_mb']:.0f} MB" if row["gpu_mb"] is not None else ""
        print(text, flush=True)
    return rows


def start(name: str, spec: dict[str, Any], files: dict[str, Any], batch: int, arguments: argparse.Namespace) -> Way:
    task = json.dumps({**spec, "batch": batch, "size": arguments.size, "device": arguments.device})
    command = [sys.executable, __file__, "--worker", task]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(Path(files["folder"]))
    )
    return Way(name, process)


def ask(way: Way, question: str) -> dict[str, Any]:
    assert way.process.stdin is not None and way.process.stdout is not None
    way.process.stdin.write(question + "\n")
    way.process.stdin.flush()
    answer = way.process.stdout.readline()
    if not answer:
        sys.exit(f"{way.name} ended early (exit code {way.process.wait()}): its message is above")
    found: dict[str, Any] = json.loads(answer)
    return found


def end_to_end(files: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """One JPEG in a fresh process, ours and the plain one's in turn."""
    target = Path(files["folder"], "out.png")
    fixed = ["--output-size", "model"]  # as the script has it
    fixed += ["--size", str(arguments.size)] if "full" not in files["title"] else []
    ours = [
        sys.executable,
        "-m",
        "ugatit_cli",
        "translate",
        PHOTOGRAPH,
        "-m",
        files["weights"],
        "-o",
        target,
        "--overwrite",
        "-q",
        "--device",
        arguments.device,
    ]
    plain_script = [sys.executable, __file__, "--script", files["plain"], str(arguments.size), target, arguments.device]
    commands = {"script": plain_script}
    for backend in files["backends"]:
        commands[f"ugatit, {backend}"] = [*ours, "--fit", "stretch", *fixed, "--backend", backend]
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for turn in range(6):
        for name, command in commands.items():
            begun = time.perf_counter()
            process = subprocess.Popen(command, env=environment(Path(files["folder"])), stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            assert process.returncode == 0, name
            if turn:  # the first one fills the cache
                taken[name].append((time.perf_counter() - begun, usage.ru_maxrss / 1000))
    print(f"\n{files['title']}: one JPEG end to end")
    medians = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in taken.items()}
    for name, (seconds, memory) in medians.items():
        print(
            f"  {name:20} {seconds:6.2f} s  {medians['script'][0] / seconds:5.2f} times   peak {memory:6.0f} MB",
            flush=True,
        )
    return {"case": files["title"], "end_to_end": medians}


# ---------------------------------------------------------------------------------- in processes of their own


def work(task: dict[str, Any]) -> None:
    if "make" in task:
        print(json.dumps(make(task)))
        return
    begun = time.perf_counter()
    translate = plain_translation(task) if task["kind"] == PLAIN else our_translation(task)
    load = time.perf_counter() - begun
    import numpy as np

    pictures = np.random.default_rng(0).integers(0, 256, (task["batch"], task["size"], task["size"], 3), np.uint8)
    for question in sys.stdin:
        if question.strip() == "end":
            break
        begun = time.perf_counter()
        translate(pictures)
        print(json.dumps({"seconds": time.perf_counter() - begun}), flush=True)
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    report = {"peak_mb": int(peak.group(1)) / 1000 if peak else 0.0, "load_s": load, "gpu_mb": gpu_memory(task)}
    print(json.dumps(report), flush=True)


def gpu_memory(task: dict[str, Any]) -> float | None:
    """The most that PyTorch allocated on the GPU, in MB."""
    if task["device"] != "cuda" or task.get("backend") == "onnx":
        return None
    import torch

    return torch.cuda.max_memory_allocated() / 1e6


def our_translation(task: dict[str, Any]) -> Any:
    from ugatit_cli.loading import Wish, load_model

    return load_model(Path(task["file"]), "", Wish(backend=task["backend"], device=task["device"])).backend


def plain_translation(task: dict[str, Any]) -> Any:
    import numpy as np
    import torch

    network = load_plain(Path(task["file"])).to(task["device"])

    def translate(pixels: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            given = torch.from_numpy(pixels).to(task["device"])
            x = (given.permute(0, 3, 1, 2).contiguous().float() / 255 - 0.5) / 0.5
            levels = torch.clamp(torch.round((network(x)[0] * 0.5 + 0.5) * 255), 0, 255).to(torch.uint8)
            result: np.ndarray = levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
            return result

    return translate


def load_plain(path: Path) -> Any:
    import torch

    from ugatit_cli.config import GeneratorConfig

    stored = torch.load(path, weights_only=True)
    network = load_reference().PlainGenerator(GeneratorConfig(**stored["config"]))
    network.load_state_dict(stored["generator"])
    return network.eval().requires_grad_(False)


def load_reference() -> ModuleType:
    """The plain form. By path, because the tests are no package: nothing installs them, and nothing should."""
    specification = importlib.util.spec_from_file_location("reference", REPOSITORY / "tests" / "reference.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def script(file: str, size: str, target: str, device: str) -> None:
    """What people write: load, resize, translate, save."""
    import numpy as np
    from PIL import Image

    translate = plain_translation({"file": file, "device": device})
    picture = Image.open(PHOTOGRAPH).convert("RGB").resize((int(size), int(size)))
    Image.fromarray(translate(np.array(picture)[None])[0]).save(target)


def make(task: dict[str, Any]) -> dict[str, Any]:
    import torch

    from ugatit_cli import weights
    from ugatit_cli.backends.pytorch import choose_device
    from ugatit_cli.config import GeneratorConfig
    from ugatit_cli.errors import DeviceError

    try:
        choose_device(task["device"])
    except DeviceError as error:
        sys.exit(f"error: {error.message}")
    folder = Path(task["make"])
    if task["model"]:
        loaded = weights.load(Path(task["model"]))
        config, state = loaded.config, dict(loaded.generator()[1])
    else:
        config = GeneratorConfig(task["variant"], task["channels"], image_size=task["size"])
        torch.manual_seed(0)
        state = load_reference().PlainGenerator(config).state_dict()
    weights.save(folder / "ours.safetensors", config, {"a2b": state}, metadata={})
    torch.save({"config": config.to_dict(), "generator": state}, folder / "plain.pt")
    return {
        "title": f"{config.variant}, {config.channels} channels",
        "weights": str(folder / "ours.safetensors"),
        "plain": str(folder / "plain.pt"),
        "backends": (backends := graph_backends(folder / "ours.safetensors", task["device"])),
        "ways": make_ways(folder, backends, with_int8=bool(task["model"]) and task["device"] == "cpu"),
    }


def graph_backends(weights_file: Path, device: str) -> list[str]:
    """Those that run a graph on that device here."""
    from ugatit_cli.errors import DeviceError
    from ugatit_cli.loading import Wish, load_model

    if device == "cpu":
        return ["onnx", *(["openvino"] if importlib.util.find_spec("openvino") else [])]
    try:
        load_model(weights_file, "", Wish(backend="onnx", device="cuda"))
    except DeviceError as error:
        print(f"without ONNX Runtime: {error.message}", file=sys.stderr)
        return []
    return ["onnx"]


def make_ways(folder: Path, backends: list[str], *, with_int8: bool) -> dict[str, dict[str, str]]:
    ours = str(folder / "ours.safetensors")
    ways = {PLAIN: {"kind": PLAIN, "file": str(folder / "plain.pt")}}
    for backend in ["torch", *backends]:
        ways[f"{backend} fp32"] = {"kind": "ours", "backend": backend, "file": ours}
    if with_int8:
        target = str(folder / "int8.onnx")
        command = [sys.executable, "-m", "ugatit_cli", "export-onnx", "-m", ours, "-o", target, "--precision", "int8"]
        subprocess.run(command, check=True, stdout=sys.stderr)
        for backend in backends:
            ways[f"{backend} int8"] = {"kind": "ours", "backend": backend, "file": target}
    return ways


if __name__ == "__main__":
    main()
