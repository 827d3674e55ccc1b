"""Two processes that share every batch: equal to each other to the bit, and to one process within rounding."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.data import UnpairedFolders, list_pictures
from ugatit_cli.training.launch import is_launched, leads
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_two_processes_equal_one(tmp_path: Path, config: TrainConfig) -> None:
    """The augmentation is on: each picture's amounts must not depend on the process that has it."""
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, config.model_dump_json(), str(tmp_path), str(STEPS)],
            env={**os.environ, **common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in (0, 1)
    ]
    assert [process.wait(timeout=100) for process in processes] == [0, 0]
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
