"""The page shows a run whole, from one file, whatever its names contain and whichever of its files are missing."""

from __future__ import annotations

import base64
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ugatit_cli import images
from ugatit_cli.errors import OutputError
from ugatit_cli.training.config import TrainConfig
from ugatit_cli.training.page import PageStatus, write_page
from ugatit_cli.training.page.curves import POINTS
from ugatit_cli.training.page.sheets import MOST
from ugatit_cli.training.page.tables import command
from ugatit_cli.training.survey import survey

STATUS = PageStatus(step=120, steps=6000, seconds_per_step=0.5, warnings=(), finished=False)
CONFIG = TrainConfig(a=Path("photos"), b=Path("drawings"), size=64)
VOID = {"meta", "input", "img", "br"}
HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(1)>&\"'<!--{data}-->/*{script}*/\u2028\u202e\udcff"
)


class Page(HTMLParser):
    """The page as a browser's parser takes it apart; fails where elements do not nest."""

    def __init__(self, run: Path) -> None:
        super().__init__()
        self.path = run / "index.html"
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self._open: list[str] = []
        self.feed(self.path.read_text(encoding="utf-8"))
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        (self.scripts if self._open[-1:] == ["script"] else self.texts).append(data)

    @property
    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    @property
    def data(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.scripts[0], parse_constant=lambda name: pytest.fail(name))
        return content


def build(run: Path, config: TrainConfig = CONFIG, status: PageStatus = STATUS) -> Page:
    run.mkdir(exist_ok=True)
    write_page(run, config, status)
    return Page(run)


def write_lines(path: Path, lines: Sequence[object], tail: str = "") -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + tail, encoding="utf-8")


def write_sheet(path: Path, width: int = 60, height: int = 40, seed: int = 0) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    data = images.encode(noise, format="jpg", quality=92)
    path.write_bytes(data)
    return data


def evaluation(step: int, kid: float, **other: Any) -> dict[str, Any]:
    numbers = {"kid": kid, "kid_low": kid - 0.01, "kid_high": kid + 0.01, "fid": 30 + kid}
    line = {"step": step, "split": "select", "protocol": "one", "a2b": numbers, "b2a": numbers, "score": kid}
    return line | {"best": False} | other


# ----------------------------------------------------------------------------------------------------- what is shown


def test_a_run_that_has_written_nothing_yet_has_a_page(tmp_path: Path) -> None:
    page = build(tmp_path / "photos2drawings")
    assert "photos2drawings" in page.text
    assert "step 120 of 6,000" in page.text
    assert "0.5 s a step" in page.text
    assert "about 49 min left" in page.text
    assert page.data == {"curves": {"steps": [], "series": {}}, "rho": [], "evaluations": [], "sheets": []}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (PageStatus(6000, 6000, 0.5, (), finished=True), "finished"),
        (PageStatus(700, 6000, 0.5, (), finished=True), "stopped"),
        (PageStatus(700, 200_000, 1.5, (), finished=False), "about 3 d 11 h left"),
        (PageStatus(700, 6000, 2.0, (), finished=False), "about 2 h 57 min left"),
        (PageStatus(700, 6000, 0.5, (), finished=False, processes=2), "8 pictures a second"),
    ],
)
def test_the_page_says_where_the_run_stands(status: PageStatus, said: str, tmp_path: Path) -> None:
    assert said in build(tmp_path / "run", status=status).text


def test_warnings_environment_and_survey_are_shown(tmp_path: Path) -> None:
    for name, shade in (("a", 10), ("b", 250)):
        (tmp_path / name).mkdir()
        Image.new("RGB", (90, 90), (shade, shade, shade)).save(tmp_path / name / "only.png")
    found = survey({"a": tmp_path / "a", "b": tmp_path / "b"}, 64)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "survey.json").write_text(found.to_json(), encoding="utf-8")
    status = PageStatus(5, 9, 0.1, ("B = A: nothing to learn",), False, {"torch": "2.13.0", "gpu_memory": "80 GiB"})
    page = build(tmp_path / "run", status=status)
    assert "B = A: nothing to learn" in page.text
    assert "torch 2.13.0 gpu memory 80 GiB seed 0" in page.text
    assert f"1 pictures in {tmp_path / 'a'}" in page.text
    assert found.findings
    assert all(sentence in page.text for sentence in found.findings)


def test_settings_that_differ_from_the_defaults_come_first(tmp_path: Path) -> None:
    text = build(tmp_path / "run", CONFIG.model_copy(update={"smoothing": True})).text
    changed, default = text.split("settings at their defaults")
    assert "--size 64" in changed
    assert "--smoothing yes" in changed
    assert "--cam-weight" not in changed.split("Settings")[1]
    assert "--cam-weight 1000" in default


@given(
    name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(
        lambda text: not text.startswith("-")
    ),
    size=st.sampled_from([32, 64, 256]),
    smoothing=st.booleans(),
    rate=st.floats(1e-6, 1),
)
def test_the_command_repeats_the_run(name: str, size: int, smoothing: bool, rate: float) -> None:
    config = TrainConfig(a=Path(name), b=Path("b c"), size=size, smoothing=smoothing, learning_rate=rate)
    program, subcommand, *words = shlex.split(command(config))
    assert (program, subcommand) == ("ugatit", "train")
    given: dict[str, Any] = {}
    while words:
        option = words.pop(0).removeprefix("--").replace("-", "_")
        given[option] = True if option == "smoothing" else words.pop(0)
    assert TrainConfig(**given) == config


# -------------------------------------------------------------------------------------------------------- text


def test_no_name_or_message_can_become_markup(tmp_path: Path) -> None:
    run = tmp_path / "<b>run&amp;"
    write_lines(run / "metrics.jsonl", [{"step": 1, HOSTILE: 2.5}, {"step": 2, "g_cycle_a": HOSTILE}])
    write_lines(run / "evaluations.jsonl", [evaluation(1, 0.1, protocol=HOSTILE, split=HOSTILE)])
    write_lines(run / "survey.json", [{"format": 1, "size": 64, "findings": [HOSTILE], "sets": {}}])
    status = PageStatus(1, 2, 0.1, (HOSTILE,), False, {HOSTILE: HOSTILE})
    written = HOSTILE.removesuffix("\udcff")  # settings are UTF-8
    config = TrainConfig(a=Path(written), b=Path("b"))
    page = build(run, config, status)
    assert page.tags.count("script") == 2
    assert page.tags.count("img") == 2
    assert page.tags.count("b") == 1
    assert not any(key.startswith("on") for _, attributes in page.elements for key in attributes)
    assert "<b>run&amp;" in page.text
    shown = written.replace("\u2028", "\ufffd").replace("\u202e", "\ufffd")
    assert page.text.count(shown + "\ufffd") >= 4  # where it is whole
    assert page.text.count(shown) >= 5  # warning, environment twice, finding, setting, evaluation, command
    assert page.data["curves"]["series"] == {HOSTILE: {"mean": [2.5, None]}}
    assert page.data["evaluations"][0]["protocol"] == HOSTILE


def test_the_page_loads_nothing(tmp_path: Path) -> None:
    write_sheet(tmp_path / "run" / "samples" / "step-00000001.jpg")
    page = build(tmp_path / "run")
    source = page.path.read_text(encoding="utf-8")
    assert not re.search(r"https?:|@import|url\(|\bimport\b|\bfetch\b|XMLHttpRequest|<link|<base", source)
    assert not any(
        attributes.get(key) for _, attributes in page.elements for key in ("src", "href", "srcset", "action")
    )
    policy = next(a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")


# ----------------------------------------------------------------------------------------------------------- curves


def test_lines_that_are_not_whole_are_left_out(tmp_path: Path) -> None:
    lines = [{"step": 50, "g_cycle_a": 0.5}, {"g_cycle_a": 9}, {"step": 100, "g_cycle_a": None}]
    tail = (
        '[1]\n"text"\n\n{"step": NaN}\n{"step": 150, "g_cycle_a": Infinity}\n' + "[" * 100_000 + '\n{"step": 200, "g_cy'
    )
    write_lines(tmp_path / "run" / "metrics.jsonl", lines, tail)
    with (tmp_path / "run" / "metrics.jsonl").open("ab") as file:
        file.write(b"\xff\xfe")
    curves = build(tmp_path / "run").data["curves"]
    assert curves == {"steps": [50, 100, 150], "series": {"g_cycle_a": {"mean": [0.5, None, None]}}}


def test_of_two_lines_for_one_step_the_later_counts(tmp_path: Path) -> None:
    lines = [{"step": step, "generators": value} for step, value in ((1, 10), (3, 30), (2, 20), (3, 33))]
    write_lines(tmp_path / "run" / "metrics.jsonl", lines)
    curves = build(tmp_path / "run").data["curves"]
    assert curves == {"steps": [1, 2, 3], "series": {"generators": {"mean": [10, 20, 33]}}}


@pytest.mark.parametrize("count", [1, POINTS, POINTS + 1, 4999, 5000])
def test_long_curves_are_shortened_and_keep_their_extremes_and_end(count: int, tmp_path: Path) -> None:
    values = np.random.default_rng(count).lognormal(size=count)
    lines = [
        {"step": 50 * (i + 1), "generators": value, "seldom": 1 if i == 0 else None} for i, value in enumerate(values)
    ]
    write_lines(tmp_path / "run" / "metrics.jsonl", lines)
    curves = build(tmp_path / "run").data["curves"]
    steps, series = curves["steps"], curves["series"]["generators"]
    assert len(steps) == len(series["mean"]) <= 1000
    assert len(steps) > min(count, POINTS) / 2
    assert steps == sorted(steps)
    assert steps[-1] == 50 * count
    assert curves["series"]["seldom"]["mean"][0] == 1
    assert not any(curves["series"]["seldom"]["mean"][1:])
    if count > POINTS:
        assert max(series["high"]) == pytest.approx(values.max(), rel=1e-4)
        assert min(series["low"]) == pytest.approx(values.min(), rel=1e-4)
        together = math.ceil(count / POINTS)
        assert series["mean"][1] == pytest.approx(values[together : 2 * together].mean(), rel=1e-4)


def test_the_first_and_the_newest_histogram_of_rho_are_shown(tmp_path: Path) -> None:
    counts: list[Any] = [None, [4, 0, 0, 12], [0, 8, 8, 0], [1, 1, 1, 1], [0, 0, 0, 0], "many", [1, None]]
    write_lines(tmp_path / "run" / "metrics.jsonl", [{"step": i, "rho_histogram": c} for i, c in enumerate(counts)])
    assert build(tmp_path / "run").data["rho"] == [
        {"step": 1, "shares": [0.25, 0, 0, 0.75]},
        {"step": 3, "shares": [0.25] * 4},
    ]


def test_a_page_of_many_lines_is_quick(tmp_path: Path) -> None:
    line = {f"loss_{number}": 0.123456789 * number for number in range(30)}
    write_lines(tmp_path / "run" / "metrics.jsonl", [{"step": step, **line} for step in range(5000)])
    began = time.process_time()
    page = build(tmp_path / "run")
    assert time.process_time() - began < 1.5  # a fifth of that on an idle machine
    assert page.path.stat().st_size < 1_000_000


# ------------------------------------------------------------------------------------------------------ evaluations


def test_evaluations_of_different_protocols_are_kept_apart(tmp_path: Path) -> None:
    lines = [
        evaluation(100, 0.3, best=True),
        evaluation(100, 0.31, split="report", protocol="other pictures"),
        evaluation(200, 0.1, best=True),
        evaluation(300, 0.2),
        evaluation(400, 0.7, protocol="two"),
    ]
    write_lines(tmp_path / "run" / "evaluations.jsonl", lines, '{"step": 500, "spl')
    page = build(tmp_path / "run")
    groups = page.data["evaluations"]
    assert [(group["split"], group["protocol"], group["steps"], group["best"]) for group in groups] == [
        ("select", "one", [100, 200, 300], 200),
        ("select", "two", [400], None),
        ("report", "other pictures", [100], None),
    ]
    assert groups[0]["a2b"]["kid"] == [0.3, 0.1, 0.2]
    assert groups[0]["b2a"]["kid_high"] == pytest.approx([0.31, 0.11, 0.21])
    assert "the best, step 200 A to B B to A KID 0.1000 (0.0900 to 0.1100)" in page.text
    for number, protocol in enumerate(("one", "two", "other pictures"), 1):
        assert f"Protocol {number}: {protocol}" in page.text


def test_the_report_tells_of_the_best_and_of_the_last_step(tmp_path: Path) -> None:
    report: dict[str, Any] = {"split": "report", "protocol": "kept apart"}
    lines = [evaluation(900, 0.4, **report), evaluation(500, 0.2, best=True, **report)]
    write_lines(tmp_path / "run" / "evaluations.jsonl", lines)
    text = build(tmp_path / "run").text
    assert "the best, step 500 A to B B to A KID 0.2000" in text
    assert " step 900 A to B B to A KID 0.4000" in text


def test_an_evaluation_without_some_numbers_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    lines = [evaluation(1, 0.3, a2b=None, b2a={"kid": 0.5, "diversity": None}), evaluation(2, 0.4, a2b={"fid": 7})]
    write_lines(tmp_path / "run" / "evaluations.jsonl", lines)
    page = build(tmp_path / "run")
    assert page.data["evaluations"][0]["a2b"] == {"fid": [None, 7]}
    assert "step 2 A to B B to A KID – 0.4000 (0.3900 to 0.4100) FID 7.0 30.4" in page.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kid", "fid", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["step", "split", "protocol", "best", "a2b", "b2a", "score", "rho_histogram", "g_cycle_a", "<", "generators"]
)
LINES = st.lists(st.dictionaries(NAMES, JSON, max_size=8) | JSON, max_size=4)


@settings(max_examples=40)
@given(metrics=LINES, evaluated=LINES, found=JSON)
def test_no_content_of_the_files_breaks_the_page(
    metrics: list[Any], evaluated: list[Any], found: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = tmp_path_factory.mktemp("run")
    write_lines(run / "metrics.jsonl", metrics)
    write_lines(run / "evaluations.jsonl", evaluated)
    (run / "survey.json").write_text(json.dumps(found), encoding="utf-8")
    assert set(build(run).data) == {"curves", "rho", "evaluations", "sheets"}


# ----------------------------------------------------------------------------------------------------------- sheets


def test_few_sheets_are_all_there_byte_for_byte(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "samples"
    sheets = {step: write_sheet(folder / f"step-{step:08d}.jpg", seed=step) for step in (500, 1000, 20_000)}
    (folder / "step-00000700.jpg").write_bytes(b"")
    (folder / "step-00000800.jpg").mkdir()
    (folder / "holiday.jpg").write_bytes(b"\xff\xd8")
    page = build(tmp_path / "run")
    shown = page.data["sheets"]
    assert [sheet["step"] for sheet in shown] == [500, 1000, 20_000]
    assert [sheet["file"] for sheet in shown] == [f"samples/step-{step:08d}.jpg" for step in sheets]
    for sheet, data in zip(shown, sheets.values(), strict=True):
        assert base64.b64decode(sheet["source"].removeprefix("data:image/jpeg;base64,")) == data


@pytest.mark.parametrize("count", [1, 2, MOST - 1, MOST, MOST + 1, 100, 333])
def test_of_many_sheets_some_from_the_whole_run_are_shown(count: int, tmp_path: Path) -> None:
    data = write_sheet(tmp_path / "run" / "samples" / "step-00000001.jpg")
    for step in range(2, count + 1):
        (tmp_path / "run" / "samples" / f"step-{step:08d}.jpg").write_bytes(data)
    steps = [sheet["step"] for sheet in build(tmp_path / "run").data["sheets"]]
    assert min(count, MOST / 2) <= len(steps) <= MOST
    assert (steps[0], steps[-1]) == (1, count)
    distances = np.diff(steps)
    assert len(set(distances[:-1])) <= 1  # even, but for the newest
    assert all(distances[-1:] <= distances[:1])


def test_as_a_run_goes_on_the_sheets_shown_stay_mostly_the_same(tmp_path: Path) -> None:
    data = write_sheet(tmp_path / "run" / "samples" / "step-00000001.jpg")
    for step in range(2, 101):
        (tmp_path / "run" / "samples" / f"step-{step:08d}.jpg").write_bytes(data)
    before = {sheet["step"] for sheet in build(tmp_path / "run").data["sheets"]}
    (tmp_path / "run" / "samples" / "step-00000101.jpg").write_bytes(data)
    after = {sheet["step"] for sheet in build(tmp_path / "run").data["sheets"]}
    assert len(after - before) == 1


def test_heavy_sheets_are_made_smaller_and_fewer_until_the_page_is_light(tmp_path: Path) -> None:
    data = write_sheet(tmp_path / "run" / "samples" / "step-00000001.jpg", 1500, 1200)
    for step in range(2, 15):
        (tmp_path / "run" / "samples" / f"step-{step:08d}.jpg").write_bytes(data)
    page = build(tmp_path / "run")
    steps = [sheet["step"] for sheet in page.data["sheets"]]
    assert page.path.stat().st_size < 10_000_000
    assert (steps[0], steps[-1]) == (1, 14)
    assert len(steps) >= 4


# ------------------------------------------------------------------------------------------------------------- disk


def test_a_page_that_cannot_be_written_is_an_error_of_output(tmp_path: Path) -> None:
    (tmp_path / "index.html").mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*index\.html"):
        build(tmp_path)


def test_a_file_that_cannot_be_read_is_an_error_of_output(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(OutputError):
        build(tmp_path)


# ---------------------------------------------------------------------------------------------------------- browser


@pytest.fixture
def browser() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium here to show the page")
    return found


def test_a_browser_draws_the_charts_and_the_newest_sheet(tmp_path: Path, browser: str) -> None:
    run = tmp_path / "run"
    names = ["g_cycle_a", "g_cam_a2b", "d_global_a", "g_local_b", "generators", "change_a2b", "rho_mean", "my_own"]
    lines = [{"step": step, "rho_histogram": [1, 3], **dict.fromkeys(names, 1 / step)} for step in range(5, 500, 5)]
    write_lines(run / "metrics.jsonl", lines)
    write_lines(run / "evaluations.jsonl", [evaluation(100, 0.3), evaluation(200, 0.2, best=True)])
    for step in (100, 200):
        data = write_sheet(run / "samples" / f"step-{step:08d}.jpg", seed=step)
    build(run)
    options = [
        "--headless=new",
        "--disable-gpu",
        "--virtual-time-budget=3000",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--no-sandbox")
    done = subprocess.run(
        [browser, *options, "--dump-dom", (run / "index.html").as_uri()], capture_output=True, timeout=60, check=True
    )
    dom = done.stdout.decode()
    drawn = re.findall(r"<h3>([^<]*)</h3>", dom)
    assert [*drawn[:2], len(drawn)] == ["KID", "FID", 2 + 5 + 3 + 1 + 1]  # evaluated, losses, health, others, table
    assert len(re.findall(r'<path class="smooth[^"]*" d="M[\d. LM]+"', dom)) >= 2 * 2 + 5 + 2
    assert dom.count(base64.b64encode(data).decode()) == 3  # as data, and in both halves
    assert "step 200 (2 of 2)" in dom
    assert "NaN" not in dom.split('id="data"')[0]
