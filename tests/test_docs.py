"""What the pages say against what the program does, in both directions."""

from __future__ import annotations

import inspect
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import ugatit_cli
from ugatit_cli.cli import app
from ugatit_cli.errors import ExitCode
from ugatit_cli.hub import read_registry

REPOSITORY = Path(__file__).resolve().parents[1]
README = REPOSITORY / "README.md"
OPTIONS = REPOSITORY / "docs" / "options.md"
PACKAGE = "ugatit_cli"
PAGES = [README, *sorted((REPOSITORY / "docs").rglob("*.md"))]
ALL_PAGES = [*PAGES, REPOSITORY / "CHANGELOG.md", *sorted((REPOSITORY / "examples").rglob("*.md"))]
ALL_PAGES += sorted((REPOSITORY / "models").rglob("*.md"))
PROGRAM: Any = typer.main.get_command(app)
GROUPS = {name: group for name, group in PROGRAM.commands.items() if hasattr(group, "commands")}
COMMANDS: dict[str, Any] = {name: command for name, command in PROGRAM.commands.items() if name not in GROUPS} | {
    f"{name} {inner}": command for name, group in GROUPS.items() for inner, command in group.commands.items()
}
ENDS_A_COMMAND = {"|", "||", "&&", ";", "&", ">", ">>", "<"}
CHANGES = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}  # the headings of Keep a Changelog


def options(command: Any) -> set[str]:
    return {
        name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts) if "-" in name[:1]
    }


def options_page() -> str:
    """docs/options.md, from what the program knows about itself."""
    parts = ["# All options\n\nMade from the program's own help; a test compares.\n"]
    for name, command in COMMANDS.items():
        context = command.context_class(command, info_name=name)
        records = [parameter.get_help_record(context) for parameter in command.params if not parameter.hidden]
        rows = [table_row(names.removesuffix(" <list[str]>"), said) for names, said in records]
        table = "\n".join(["| option | what it does | default |", "|---|---|---|", *rows])
        parts.append(f"## ugatit {name}\n\n{inspect.cleandoc(command.help)}\n\n{table}\n")
    return "\n".join(parts)


def table_row(names: str, said: str) -> str:
    """`said` is Typer's line of help, such as `Of jpg, from 1 to 100.  [default: 95; 1<=x<=100]`."""
    text, _, extra = said.removesuffix("]").partition("  [")
    default = extra.split("; ")[0].removeprefix("default: ") if extra.startswith("default: ") else extra
    text, default = (cell.replace("<", "&lt;") for cell in (text, default.removeprefix("(").removesuffix(")")))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in (f'`{names}`', text, default))} |"


def shell_lines(text: str) -> Iterator[str]:
    """Lines of the code blocks, and what stands between backticks and calls the program."""
    for block in re.findall(r"^```(?:sh|console|bash)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.replace("\\\n", " ").splitlines()
    for span in re.findall(r"`([^`\n]*\bugatit [^`\n]+)`", text):
        yield span.replace("\\|", "|")  # a bar inside a table


def command_lines(text: str) -> Iterator[list[str]]:
    """The words of each call of the program in a page, without the shell around it."""
    for line in shell_lines(text):
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        call: list[str] | None = None
        for word in [*lexer, ";"]:
            if word in ENDS_A_COMMAND:
                if call is not None:
                    yield call
                call = None
            elif call is not None:
                call.append(word)
            elif word == "ugatit" or word.endswith("/ugatit"):
                call = []


def called(words: list[str]) -> tuple[str, list[str]]:
    """A command's name, of one word or two, and what follows it."""
    length = 2 if " ".join(words[:2]) in COMMANDS else 1
    return " ".join(words[:length]), words[length:]


def fault_in(words: list[str]) -> str:
    """What the program would say against this command line, before it looks at any file; "" if nothing."""
    if not words or words[0].startswith("-"):
        unknown = set(words) - options(PROGRAM) - {"--help"}
        return f"no such option: {', '.join(sorted(unknown))}" if unknown else ""
    name, rest = called(words)
    if name not in COMMANDS and not (name in GROUPS and not rest):
        return f"no such command: {' '.join([name, *rest[:1]]) if name in GROUPS else name}"
    if "--help" in words or not rest:  # the bare name of a command is talk about it
        return ""
    try:
        COMMANDS[name].make_context(name, list(rest))
    except typer.TyperException as error:
        return str(error)
    return ""


CALLS = [
    pytest.param(words, id=" ".join(words)) for page in ALL_PAGES for words in command_lines(page.read_text("utf-8"))
]


@pytest.mark.parametrize("words", CALLS)
def test_every_command_line_in_the_pages_is_understood(words: list[str]) -> None:
    assert fault_in(words) == ""


def test_the_pages_show_every_command() -> None:
    calls = [words for words in (parameter.values[0] for parameter in CALLS) if isinstance(words, list) and words]
    shown = {called(words)[0] for words in calls}
    assert set(COMMANDS) <= shown


def test_the_options_page_is_what_the_program_says() -> None:
    assert OPTIONS.read_text("utf-8") == options_page(), "python tests/test_docs.py writes it anew"


def test_every_option_that_is_described_exists() -> None:
    text = README.read_text("utf-8")
    spoken_of = set(re.findall(r"`(--[a-z][a-z0-9-]*)", text))
    real = {"--help"} | options(PROGRAM).union(*(options(command) for command in COMMANDS.values()))
    assert spoken_of - real == set()


def test_a_wrong_command_line_is_found() -> None:
    page = "```sh\ncat a.jpg | ugatit translate - --no-such-thing > b.png\nugatit dance\n```\nugatit unseen\n"
    page += "| a table | `ugatit train --b \\| cat` |\n"
    assert [fault_in(words) for words in command_lines(page)] == [
        "No such option: --no-such-thing",
        "no such command: dance",
        "Option '--b' requires an argument.",
    ]


def test_exit_codes_are_the_programs() -> None:
    rows = re.findall(r"^\| (\d+) \| ([a-z ]+?) \|", README.read_text("utf-8"), re.MULTILINE)
    assert {int(code): name for code, name in rows} == {int(c): c.name.lower().replace("_", " ") for c in ExitCode}


def test_the_models_in_the_readme_are_the_bundled_ones() -> None:
    rows = re.findall(
        r"^\| `([\w-]+)`.*? \| (.+?) \| (.+?) \| (\d+) \| (\w+) \| (.+?) \|$", README.read_text("utf-8"), re.MULTILINE
    )
    models = read_registry().values()
    assert rows == [
        (model.name, model.domain_a, model.domain_b, str(model.image_size), model.variant, model.license)
        for model in models
    ]


def test_the_tree_in_the_readme_is_the_real_one() -> None:
    (block,) = re.findall(r"^```tree\n(.*?)^```", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    drawn = [(len(line) - len(line.lstrip()), line.split()[0]) for line in block.splitlines()]
    package = [entry for entry in (REPOSITORY / PACKAGE).iterdir() if not entry.name.startswith(("__init__", "__pyc"))]
    assert sorted(name for indent, name in drawn if indent) == sorted(
        entry.name + "/" * entry.is_dir() for entry in package
    )
    assert [name for indent, name in drawn if not indent and not (REPOSITORY / name).is_dir()] == []


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"(?:src|href)=\"([^\"]+)\"", text):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = Path(os.path.normpath(page.parent / path)) if path else page
        assert target.exists(), f"{link}: there is no such file"
        assert not anchor or anchor in anchors(target), f"{link}: there is no such heading"


def test_the_changelog_keeps_its_form() -> None:
    text = (REPOSITORY / "CHANGELOG.md").read_text("utf-8")
    versions = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert versions[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", version) for version in versions[1:])
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= CHANGES
    assert re.fullmatch(r"\d+\.\d+\.\d+", ugatit_cli.__version__)


if __name__ == "__main__":
    OPTIONS.write_text(options_page(), "utf-8")
