"""Which variables are told of, and what is never told."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ugatit_cli.diagnosis.findings import Finding
from ugatit_cli.diagnosis.variables import shown, variable_findings


def only(name: str, value: str) -> Finding:
    (finding,) = variable_findings({name: value})
    return finding


def test_others_are_left_out() -> None:
    assert list(variable_findings({"HOME": "/home/somebody", "SECRET_PLAN": "x"})) == []


def test_what_the_program_sets_itself_is_left_out() -> None:
    code = "import os; before = {*os.environ}; from ugatit_cli.cli import _start_quickly; _start_quickly(); "
    code += "from ugatit_cli.diagnosis.variables import variable_findings; "
    code += "print([f.text for f in variable_findings({n: v for n, v in os.environ.items() if n not in before})])"
    bare = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    assert subprocess.check_output([sys.executable, "-c", code], env=bare, text=True).strip() == "[]"
    assert only("OPENBLAS_NUM_THREADS", "4").text == "OPENBLAS_NUM_THREADS=4"


@pytest.mark.parametrize("name", ["UGATIT_CACHE", "HF_HOME", "ORT_LOG", "https_proxy", "LD_PRELOAD"])
def test_those_that_change_things(name: str) -> None:
    assert (only(name, "value").text, only(name, "value").status) == (f"{name}=value", "ok")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HF_TOKEN", "hf_abcdefghijkl"),
        ("HUGGING_FACE_HUB_TOKEN", "anything"),
        ("HF_API_KEY", "anything"),
        ("HF_ENDPOINT", "https://anything@example.org/x"),
        ("HTTPS_PROXY", "http://somebody:anything@proxy:8080"),
        ("HF_HOME", "/cache/hf_abcdefghijkl"),
    ],
)
def test_secrets_stay_secret(name: str, value: str) -> None:
    finding = only(name, value)
    assert "(hidden)" in finding.text
    assert not any(secret in str(finding) for secret in ("anything", "abcdefghijkl"))


def test_what_is_around_a_secret_is_shown() -> None:
    assert shown("HTTPS_PROXY", "http://me:pass@proxy:8080") == "http://(hidden)@proxy:8080"
    assert shown("HF_TOKEN", "") == ""


@pytest.mark.parametrize(
    ("name", "value", "effect"),
    [
        ("CUDA_VISIBLE_DEVICES", "", "hides every GPU"),
        ("CUDA_VISIBLE_DEVICES", "-1", "hides every GPU"),
        ("HF_HUB_OFFLINE", "1", "nothing is downloaded"),
    ],
)
def test_surprises_are_explained(name: str, value: str, effect: str) -> None:
    finding = only(name, value)
    assert (finding.status, finding.remedy) == ("note", f"unset {name}")
    assert finding.text.endswith(effect)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system tells no affinity")
def test_threads_that_leave_cores_idle() -> None:
    cores = len(os.sched_getaffinity(0))
    assert only("OMP_NUM_THREADS", str(cores)).status == "ok"
    assert only("OMP_NUM_THREADS", "1").status == ("note" if cores > 1 else "ok")
