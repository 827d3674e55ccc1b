"""What `ugatit train` says about a run, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..training.config import TrainConfig

if TYPE_CHECKING:
    from ..training.capacity import Capacity
    from ..training.fit import Record, Run
    from ..training.preparation import Preparation
    from ..training.validation import Evaluation


def describe_plan(config: TrainConfig, preparation: Preparation, capacity: Capacity) -> list[str]:
    """Before the first step: which pictures, and what it will cost."""
    division = preparation.division
    a, b = (len(paths) for paths in division.train)
    held = f"{sum(map(len, division.select + division.report))} held out to measure on" if division.measurable else ""
    wanted = config.hold_out != 0 and config.evaluate_every != 0
    none = "; too few to hold any out" if wanted else "; none held out"
    lines = [f"{a} pictures of A and {b} of B to train on" + (f", {held}" if held else none)]
    asked = {"--patience": config.patience, "--test-a": config.test_a, "--test-b": config.test_b}
    idle = [option for option, value in asked.items() if value]
    if idle and not (division.measurable and config.evaluate_every):
        lines.append(f"nothing is measured: {', '.join(idle)} has no effect")
    memory = f"{capacity.memory / 1e9:.1f} GB of memory, " if capacity.memory else ""
    total = duration(capacity.seconds_per_step * config.steps)
    lines.append(
        f"a step takes {capacity.seconds_per_step:.2f} s: about {total} for {config.steps} steps;"
        f" {memory}{capacity.disk / 1e9:.1f} GB of disk"
    )
    if capacity.pieces > 1:
        lines.append(
            f"memory is too small for {config.batch_size} at once: each step takes them in {capacity.pieces} parts"
        )
    return lines


def describe_step(record: Record, run: Run) -> str:
    """The losses in words; the generators' sum is dominated by the CAM terms' weight of 1000."""
    from ..training.capacity import peak_memory

    losses, config = record.losses, run.trainer.config
    speed = (
        config.batch_size * run.trainer.accelerator.num_processes / run.seconds_per_step if run.seconds_per_step else 0
    )
    memory = peak_memory(run.trainer.device) / 1e9
    parts = [f"discriminators {losses['discriminators']:.2f}"]
    if "generators" in losses:
        cycle, identity = ((losses[f"g_{term}_a"] + losses[f"g_{term}_b"]) / 2 for term in ("cycle", "identity"))
        cam = (losses["g_cam_a2b"] + losses["g_cam_b2a"]) / 2
        parts += [f"cycle {cycle:.3f}", f"identity {identity:.3f}", f"attention {cam:.3f}"]
    else:
        parts.append("generators wait")
    return f"step {record.step}: {', '.join(parts)}; {speed:.2f} pairs/s, {memory:.1f} GB"


def describe_evaluation(which: str, evaluation: Evaluation) -> str:
    """Both directions' KID with its interval, beside that of the pictures as they are."""
    directions = (f"{name}: {_kid(evaluation.numbers[name])}" for name in ("a2b", "b2a"))
    return f"on held-out pictures, {which}: {'; '.join(directions)} [{evaluation.split} split, {_features(evaluation)}]"


def _kid(numbers: dict[str, float]) -> str:
    interval = f"{numbers['kid_low']:.4f} to {numbers['kid_high']:.4f}"
    return f"KID {numbers['kid']:.4f} ({interval}; untranslated {numbers['kid_input']:.4f})"


def _features(evaluation: Evaluation) -> str:
    return evaluation.score.protocol.split(":")[0]


def duration(seconds: float) -> str:
    """`40 s`, `12 min`, `5 h 20 min` or `3 d 4 h`."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{round(seconds)} s"
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"
