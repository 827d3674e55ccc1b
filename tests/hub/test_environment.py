"""What the environment tells the Hub's client, where it is wrong: an error of the network's setup, in every command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub.loopback import CONTENT, LoopbackHub

HINT = "hint: check HF_ENDPOINT, the proxy variables and SSL_CERT_FILE\n"


def ugatit(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ugatit_cli", *words]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:9", "socksio"),
        ("ALL_PROXY", "socks://x", "socks"),
        ("HTTPS_PROXY", "http://x:bad", "'bad'"),
        ("SSL_CERT_FILE", "/nonexistent", "no such file or directory"),
        ("HF_ENDPOINT", "https://hf.co:bad", "'bad'"),
        ("HF_ENDPOINT", "https://[bad", "IPv6"),
        ("HF_ENDPOINT", "hf-mirror.com", "HF_ENDPOINT is 'hf-mirror.com'"),
        ("HF_ENDPOINT", "ftp://me:secret@hf.co", "HF_ENDPOINT is 'hf.co'"),
        ("HF_ENDPOINT", "", "HF_ENDPOINT is ''"),
    ],
)
def test_what_is_wrong_is_said(variable: str, value: str, said: str, tmp_path: Path) -> None:
    done = ugatit("models", "pull", "hub:me/toon", HF_HOME=str(tmp_path), **{variable: value})
    assert (done.returncode, said in done.stderr) == (7, True), done.stderr
    assert done.stderr.startswith("error: cannot ask the Hub: ") and done.stderr.endswith(HINT)


def test_a_wrong_address_hinders_the_commands_that_ask_nobody_no_more_than_it_must(tmp_path: Path) -> None:
    done = ugatit("models", "list", HF_HOME=str(tmp_path), HF_ENDPOINT="https://hf.co:bad")
    assert (done.returncode, "portrait2toon" in done.stdout) == (0, True), done.stderr
    done = ugatit("models", "list", HF_HOME=str(tmp_path), HF_ENDPOINT="https://[bad")
    assert (done.returncode, done.stderr.endswith(HINT)) == (7, True), done.stderr


def test_what_another_program_fetched_is_used_all_the_same(loopback: LoopbackHub, quick: Path) -> None:
    from huggingface_hub import hf_hub_download

    hf_hub_download("me/toon", "weights.safetensors", cache_dir=quick, endpoint=loopback.endpoint)
    words = ["models", "pull", "hub:me/toon:weights.safetensors"]
    done = ugatit(*words, HF_HUB_CACHE=str(quick), SSL_CERT_FILE="/nonexistent")
    assert (done.returncode, Path(done.stdout.strip()).read_bytes()) == (0, CONTENT), done.stderr
    assert "what another program downloaded is used" in done.stderr
