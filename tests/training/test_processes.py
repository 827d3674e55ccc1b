"""Two processes that share every batch: equal to each other to the bit, and to one process within rounding."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ugatit_cli import __version__
from ugatit_cli.diagnosis.child import another_python
from ugatit_cli.errors import DeviceError
from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.data import UnpairedFolders, list_pictures
from ugatit_cli.training.launch import is_launched, leads, require_devices
from ugatit_cli.training.step import Trainer

STEPS = 3
PROGRAM = """
import sys
from pathlib import Path
import torch
from safetensors.torch import save_file
from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.data import UnpairedFolders, list_pictures
from ugatit_cli.training.step import Trainer
config = TrainConfig.model_validate_json(sys.argv[1])
trainer = Trainer(config, torch.device("cpu"))
place = (trainer.accelerator.process_index, trainer.accelerator.num_processes)
data = UnpairedFolders(config, list_pictures(config.a), list_pictures(config.b), *place)
for step in range(1, int(sys.argv[3]) + 1):
    trainer.advance(data.batch(step))
save_file(trainer.networks.state_dict(), f"{sys.argv[2]}/{place[0]}-of-{place[1]}.safetensors")
"""

BREAKING = """
import sys
from pathlib import Path
import torch
from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.fit import Run
run = Run.start(Path(sys.argv[2]), TrainConfig.model_validate_json(sys.argv[1]), torch.device("cpu"))
broken = False
for record in run.fit():
    if record.step == 5 and not broken:
        broken = True
        with torch.no_grad():
            run.trainer.networks.generator_a2b.head.weight.fill_(float("nan"))
assert (run.trainer.step, run.trainer.order) == (10, 1)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run_two(program: str, *arguments: str) -> list[int]:
    """The exit codes of two processes that belong together."""
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            env={**os.environ, **common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in (0, 1)
    ]
    try:
        return [process.wait(timeout=100) for process in processes]
    finally:
        for process in processes:
            process.kill()


def test_two_processes_go_back_together(tmp_path: Path, config: TrainConfig) -> None:
    """Weights that are not finite at a save, which only the first process makes."""
    settings = config.model_copy(update={"steps": 10, "track": ()})
    assert run_two(BREAKING, settings.model_dump_json(), str(tmp_path / "run")) == [0, 0]


def test_two_processes_equal_one(tmp_path: Path, config: TrainConfig) -> None:
    """The augmentation is on: each picture's amounts must not depend on the process that has it."""
    assert run_two(PROGRAM, config.model_dump_json(), str(tmp_path), str(STEPS)) == [0, 0]
    first, second = (load_file(tmp_path / f"{rank}-of-2.safetensors") for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)

    together = config.model_copy(update={"batch_size": 2})
    trainer = Trainer(together, torch.device("cpu"))
    data = UnpairedFolders(together, list_pictures(config.a), list_pictures(config.b))
    for step in range(1, STEPS + 1):
        trainer.advance(data.batch(step))
    differences = [(first[name] - tensor).abs().max() for name, tensor in trainer.networks.state_dict().items()]
    # Adam divides a gradient by its own size: where that is rounding alone, a step of the rate is left either way
    assert max(differences) <= 2 * STEPS * config.learning_rate
    assert torch.stack(differences).median() < 1e-5


def test_the_first_process_leads() -> None:
    assert leads({})
    assert leads({"RANK": "0", "WORLD_SIZE": "2"})
    assert not leads({"RANK": "1", "WORLD_SIZE": "2"})
    assert is_launched({"WORLD_SIZE": "2"})
    assert not is_launched({})


def test_processes_run_nothing_that_lies_in_the_users_folder(tmp_path: Path) -> None:
    for name in ("typer", "ugatit_cli"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a file of the user was run')")
    code = "from ugatit_cli.training.launch import launch; sys.exit(launch(2, ['--version']))"
    done = subprocess.run(another_python(code), cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout) == (0, f"ugatit {__version__}\n" * 2), done.stderr


def test_each_process_needs_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    require_devices(8, "cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    require_devices(2, "auto")
    with pytest.raises(DeviceError, match="--devices 3 needs as many GPUs, and there are 2"):
        require_devices(3, "cuda")


def test_a_device_that_is_not_there_is_one_error_and_not_one_of_each_process(config: TrainConfig) -> None:
    words = ["train", "--a", str(config.a), "--b", str(config.b), "--devices", "2", "--device", "cuda"]
    done = subprocess.run([sys.executable, "-m", "ugatit_cli", *words], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.count("error:")) == (9, 1)


MEASURING = """
import sys
import torch
from ugatit_cli.training import capacity
from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.preparation import prepare
from ugatit_cli.training.step import Trainer
config, what, rank = TrainConfig.model_validate_json(sys.argv[1]), sys.argv[2], int(sys.argv[3])
steps, real_step, real_losses = 0, capacity._timed_step, Trainer._improve_generators
def timed_step(trainer, batch):
    global steps
    steps += 1
    real_step(trainer, batch)
    return 99.0 if rank == 1 else 0.1
def losses(self, *words):
    if rank == 1:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    return real_losses(self, *words)
if what == "slow":
    capacity._timed_step = timed_step
else:
    Trainer._improve_generators = losses
capacity.measure_capacity(config, torch.device("cpu"), prepare(config).division)
print(steps)
"""


def measuring(config: TrainConfig, what: str) -> list[subprocess.Popen[str]]:
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2"}
    return [
        subprocess.Popen(
            [sys.executable, "-c", MEASURING, config.model_dump_json(), what, str(rank)],
            env={**os.environ, **common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]


def test_processes_agree_on_how_many_steps_are_measured(config: TrainConfig) -> None:
    """One that took long must not leave the other alone in a second step."""
    assert [process.communicate(timeout=100)[0].strip() for process in measuring(config, "slow")] == ["1", "1"]


def test_a_process_without_memory_says_so_instead_of_leaving_the_others_waiting(config: TrainConfig) -> None:
    first, second = measuring(config.model_copy(update={"batch_size": 2}), "full")
    try:
        assert "ResourceError: the memory of cpu is too small for a batch of 2" in second.communicate(timeout=100)[1]
    finally:
        first.kill()
        first.communicate()
