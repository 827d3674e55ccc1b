"""Time and memory of our training step beside the official one's work, and how far their gradients are apart.

    python benchmarks/training.py [--sizes 128,256] [--batches 1,4] [--channels 64] [--steps 5] [--precision fp32,bf16]
                                  [--allocators system,kept] [--device cpu] [--json FILE]

The official step, written anew over the plain networks of tests/reference.py, does what the research code does: both
generators translate the batch for the discriminators' update, whose loss runs back through them for nothing; then they
translate it again. That is 8 generator passes and 12 discriminator passes, all of them forwards and backwards. Ours is the
step that `ugatit train` takes. Both start from the same random weights and see the same random pictures. Each is measured
in a fresh process, one after the other, first with the C library's allocator as it is (system), then keeping what is freed
(kept); `ugatit train` has it kept. Time: the median of the steps after the first. Memory: the process's peak, less what it
held once libraries were loaded; on a GPU, the most that was allocated. Gradients: the relative difference of all generator gradients
in the first step (|ours - official| / |official|); the rate is so small that no weight moves. On recent GPUs PyTorch rounds to TF32 in
both forms' convolutions, and they differ by that, too.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ugatit_cli.training.config import TrainConfig
    from ugatit_cli.training.data import Batch

REPOSITORY = Path(__file__).resolve().parents[1]
MEBIBYTE = 2**20
STILL = 1e-30  # moves no weight, so that both forms' generators meet the same discriminators
NETWORKS = ("generator_a2b", "generator_b2a", *(f"{s}_discriminator_{d}" for s in ("global", "local") for d in "ab"))


@dataclass(frozen=True)
class Case:
    """One measuring process."""

    form: str  # "official" or "ours"
    size: int
    batch: int
    channels: int
    precision: str
    allocator: str
    device: str
    steps: int


@dataclass(frozen=True)
class Result:
    seconds: list[float]
    memory: float  # MiB
    threads: int

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        work(Case(**json.loads(sys.argv[2])), Path(sys.argv[3]))
        return
    arguments = parse_arguments()
    rows = []
    for size in arguments.sizes.split(","):
        for batch in arguments.batches.split(","):
            rows += measure(arguments, int(size), int(batch))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="128,256", help="sides of the pictures, multiples of 4")
    parser.add_argument("--batches", default="1,4", help="pictures of each domain per step")
    parser.add_argument("--channels", type=int, default=64, help="of generators and discriminators")
    parser.add_argument("--steps", type=int, default=5, help="steps that are timed, after one that is not")
    parser.add_argument("--precision", default="fp32", help="of ours: fp32, bf16 or both; the official step is fp32")
    parser.add_argument("--allocators", default="system,kept", help="on a CPU: system, kept or both")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--json", type=Path, help="write all numbers to this file")
    arguments = parser.parse_args()
    if not set(arguments.precision.split(",")) <= {"fp32", "bf16"}:
        parser.error("--precision is fp32, bf16 or both: gradients of fp16 are scaled, and its first steps are skipped")
    if arguments.device != "cpu":
        arguments.allocators = "system"  # a GPU has its own
    return arguments


def measure(arguments: argparse.Namespace, size: int, batch: int) -> list[dict[str, Any]]:
    """Both forms at one size and batch; prints a row for each process."""
    rows: list[dict[str, Any]] = []
    first: Result | None = None
    with tempfile.TemporaryDirectory() as folder:
        for allocator in arguments.allocators.split(","):
            official: Result | None = None
            for form, precision in [("official", "fp32"), *(("ours", p) for p in arguments.precision.split(","))]:
                case = Case(
                    form, size, batch, arguments.channels, precision, allocator, arguments.device, arguments.steps
                )
                result = run(case, Path(folder))
                official, first = official or result, first or result
                rows.append({**asdict(case), **asdict(result), "median": result.median})
                if form == "ours":
                    rows[-1] |= {
                        "ratio": official.median / result.median,
                        "ratio_to_first": first.median / result.median,
                    }
                    rows[-1] |= {"memory_ratio": result.memory / first.memory, "gradients": difference(Path(folder))}
                print_row(rows[-1])
    return rows


def run(case: Case, folder: Path) -> Result:
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, __file__, "--worker", json.dumps(asdict(case)), str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path})
    if done.returncode:
        sys.exit(done.returncode)  # it has said why
    return Result(**json.loads(done.stdout.splitlines()[-1]))


def work(case: Case, folder: Path) -> None:
    from ugatit_cli.allocator import keep_freed_memory

    if case.allocator == "kept" and case.device == "cpu":
        keep_freed_memory()
    import torch
    from safetensors.torch import save_file

    from ugatit_cli.backends.pytorch import choose_device
    from ugatit_cli.errors import DeviceError
    from ugatit_cli.training.capacity import peak_memory
    from ugatit_cli.training.config import TrainConfig
    from ugatit_cli.training.data import Batch

    try:
        device = choose_device(case.device)
    except DeviceError as error:
        sys.exit(f"error: {error.message}")
    config = TrainConfig(
        a=Path(), b=Path(), size=case.size, batch_size=case.batch, channels=case.channels,
        discriminator_channels=case.channels, precision=case.precision, learning_rate=STILL,
    )  # fmt: skip
    torch.manual_seed(1)
    shape = (case.batch, 3, case.size, case.size)
    batches = [Batch(*(torch.rand(shape) * 2 - 1 for _ in "ab")) for _ in range(case.steps + 1)]
    before = peak_memory(device)
    step, gradients = {"official": official_step, "ours": our_step}[case.form](config, device)
    seconds = []
    for number, batch in enumerate(batches):
        start = time.perf_counter()
        step(batch)
        if device.type != "cpu":
            torch.accelerator.synchronize()  # what was only begun would not be counted
        seconds.append(time.perf_counter() - start)
        if number == 0:
            save_file(gradients(), folder / f"{case.form}.safetensors")
    memory = (peak_memory(device) - before) / MEBIBYTE
    print(json.dumps({"seconds": seconds[1:], "memory": memory, "threads": torch.get_num_threads()}))


Step = Callable[["Batch"], object]
Gradients = Callable[[], "dict[str, Tensor]"]


def our_step(config: TrainConfig, device: torch.device) -> tuple[Step, Gradients]:
    from ugatit_cli.training.step import Trainer

    trainer = Trainer(config, device)
    parameters = dict(trainer.networks.named_parameters())
    return trainer.advance, lambda: copied(parameters)


def copied(parameters: dict[str, torch.nn.Parameter]) -> dict[str, Tensor]:
    """Gradients by name; the discriminators' of the official form hold the generators' loss as well, and are left out."""
    return {name: p.grad.cpu().clone() for name, p in parameters.items() if p.grad is not None and name[:3] == "gen"}


def official_step(config: TrainConfig, device: torch.device) -> tuple[Step, Gradients]:
    """The research code's loop over plain networks that start from the same weights as ours."""
    import torch

    networks = plain_networks(config).to(device)
    generators, judges = (
        [p for name, p in networks.named_parameters() if kind in name] for kind in ("generator", "discriminator")
    )
    rhos = [p for name, p in networks.named_parameters() if name.endswith("rho")]
    adam = {"lr": config.learning_rate, "betas": (0.5, 0.999), "weight_decay": config.weight_decay}
    for_generators, for_judges = (torch.optim.Adam(parameters, **adam) for parameters in (generators, judges))  # type: ignore[arg-type]

    def step(batch: Batch) -> None:
        real_a, real_b = (pictures.to(device) for pictures in batch)
        for_judges.zero_grad()
        discriminator_loss(networks, real_a, real_b).backward()  # type: ignore[no-untyped-call]
        for_judges.step()
        for_generators.zero_grad()
        loss = generator_loss(networks, real_a, real_b)
        loss.backward()  # type: ignore[no-untyped-call]
        for_generators.step()
        with torch.no_grad():
            for rho in rhos:
                rho.clamp_(0, 1)
        loss.item()

    return step, lambda: copied(dict(networks.named_parameters()))


def plain_networks(config: TrainConfig) -> torch.nn.ModuleDict:
    import torch

    from ugatit_cli.training.objective import Networks

    reference = load_reference()
    torch.manual_seed(config.seed)
    ours = Networks(config)
    found = torch.nn.ModuleDict()
    for name in NETWORKS:
        if "generator" in name:
            plain = reference.PlainGenerator(config.generator)
        else:
            layers = config.global_layers if "global" in name else config.local_layers
            plain = reference.PlainDiscriminator(config.discriminator_channels, layers)
        plain.load_state_dict(getattr(ours, name).state_dict())
        found[name] = plain
    return found


def load_reference() -> ModuleType:
    """The plain form. By path, because the tests are no package: nothing installs them, and nothing should."""
    specification = importlib.util.spec_from_file_location("reference", REPOSITORY / "tests" / "reference.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def towards(verdict: Tensor, target: float) -> Tensor:
    import torch

    return torch.nn.functional.mse_loss(verdict, torch.full_like(verdict, target))


def classified(logits: Tensor, target: float) -> Tensor:
    import torch

    return torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def discriminator_loss(networks: torch.nn.ModuleDict, real_a: Tensor, real_b: Tensor) -> Tensor:
    """With the generators inside, as the research code has them."""
    fake_b, fake_a = networks["generator_a2b"](real_a)[0], networks["generator_b2a"](real_b)[0]
    loss: Any = 0
    for domain, real, fake in (("a", real_a, fake_a), ("b", real_b, fake_b)):
        for scope in ("global", "local"):
            for picture, target in ((real, 1), (fake, 0)):
                score, cam, _ = networks[f"{scope}_discriminator_{domain}"](picture)
                loss = loss + towards(score, target) + towards(cam, target)
    total: Tensor = loss
    return total


def generator_loss(networks: torch.nn.ModuleDict, real_a: Tensor, real_b: Tensor) -> Tensor:
    a2b, b2a = networks["generator_a2b"], networks["generator_b2a"]
    (fake_b, source_a, _), (fake_a, source_b, _) = a2b(real_a), b2a(real_b)
    cycled_a, cycled_b = b2a(fake_b)[0], a2b(fake_a)[0]
    (identity_a, target_a, _), (identity_b, target_b, _) = b2a(real_a), a2b(real_b)
    pairs = ((cycled_a, real_a), (cycled_b, real_b), (identity_a, real_a), (identity_b, real_b))
    loss: Any = 10 * sum((made - real).abs().mean() for made, real in pairs)
    for domain, fake in (("a", fake_a), ("b", fake_b)):
        for scope in ("global", "local"):
            score, cam, _ = networks[f"{scope}_discriminator_{domain}"](fake)
            loss = loss + towards(score, 1) + towards(cam, 1)
    cams = (classified(source_a, 1), classified(target_b, 0), classified(source_b, 1), classified(target_a, 0))
    total: Tensor = loss + 1000 * sum(cams)
    return total


def difference(folder: Path) -> float:
    """Over all parameters of both generators, of the first step."""
    from safetensors.torch import load_file

    ours, official = (load_file(folder / f"{form}.safetensors") for form in ("ours", "official"))
    assert ours.keys() == official.keys()
    apart = sum(float((ours[name] - official[name]).square().sum()) for name in official)
    return float((apart / sum(float(grad.square().sum()) for grad in official.values())) ** 0.5)


def print_row(row: dict[str, Any]) -> None:
    text = f"{row['size']} px, batch {row['batch']}, {row['threads']} thread(s), allocator {row['allocator']:6}"
    text += f" {row['form']:8} {row['precision']}: {row['median']:7.2f} s a step, {row['memory']:6.0f} MiB"
    if row["form"] == "ours":
        text += f"; {row['ratio']:.2f} times the official (same allocator), {row['ratio_to_first']:.2f} (its own)"
        text += f"; memory {row['memory_ratio']:.2f}; gradients {row['gradients']:.1e}"
    print(text, flush=True)


if __name__ == "__main__":
    main()
