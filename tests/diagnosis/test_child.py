"""Processes that answer, raise, crash, hang and chatter."""

from __future__ import annotations

import sys
from pathlib import Path
from time import monotonic

import pytest

from ugatit_cli.diagnosis.child import Child


def test_facts_are_its_lines_of_json() -> None:
    answer = Child("print('{\"a\": 1}'); print('a banner'); print('[2]'); print('{\"b\": 3}')").answer()
    assert answer.facts == ({"a": 1}, {"b": 3})
    assert (answer.merged, answer.fault, answer.exit_code) == ({"a": 1, "b": 3}, "", 0)


def test_one_document_over_many_lines_is_one_fact() -> None:
    assert Child("import json; print(json.dumps({'a': [1, 2]}, indent=1))").answer().facts == ({"a": [1, 2]},)


def test_words_reach_it() -> None:
    answer = Child("import json; print(json.dumps({'words': sys.argv[1:]}))", "it's", '"two" words').answer()
    assert answer.merged == {"words": ["it's", '"two" words']}


def test_the_last_line_of_a_traceback_is_the_fault() -> None:
    answer = Child("print('{\"a\": 1}'); raise RuntimeError('no such luck')").answer()
    assert (answer.merged, answer.fault, answer.exit_code) == ({"a": 1}, "RuntimeError: no such luck", 1)
    assert answer.noise[0].startswith("Traceback")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_crash_is_named() -> None:
    answer = Child("import os; print('{\"a\": 1}', flush=True); os.abort()").answer()
    assert answer.fault == "the process was ended by signal 6 (SIGABRT)"
    assert answer.merged == {"a": 1}


def test_a_hang_has_an_end() -> None:
    begun = monotonic()
    answer = Child("import time; print('{\"a\": 1}', flush=True); time.sleep(60)", limit=0.2).answer()
    assert answer.fault == "it gave no answer within 0.2 seconds"
    assert (answer.merged, answer.exit_code) == ({"a": 1}, None)
    assert monotonic() - begun < 10


def test_much_noise_does_not_block_it() -> None:
    answer = Child("print('x' * 10**6, file=sys.stderr); print('{\"a\": 1}')").answer()
    assert answer.merged == {"a": 1}


def test_it_can_be_stopped() -> None:
    child = Child("import time; time.sleep(60)")
    child.stop()
    assert child.answer().fault != ""


def test_one_that_ended_unheard_leaves_no_open_pipe() -> None:
    child = Child("print('{}')")
    child._process.wait()
    child.stop()
    for pipe in (child._process.stdout, child._process.stderr):
        assert pipe is not None and pipe.closed


def test_it_finds_the_modules_of_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "found_here.py").write_text("VALUE = 7", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert Child("import found_here; print('{\"value\": %d}' % found_here.VALUE)").answer().merged == {"value": 7}
