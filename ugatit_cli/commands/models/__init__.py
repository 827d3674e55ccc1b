"""`ugatit models ...`: which models there are, and what to do with them; one file a command."""

from __future__ import annotations

from collections.abc import Callable

import typer

from .importing import import_
from .info import info
from .listing import list_
from .pull import pull
from .push import push
from .remove import remove
from .verify import verify

COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_,
    "info": info,
    "pull": pull,
    "import": import_,
    "verify": verify,
    "remove": remove,
    "push": push,
}

models = typer.Typer(
    help="List, fetch, import, verify, remove and publish models.", rich_markup_mode=None, add_completion=False
)
for name, command in COMMANDS.items():
    models.command(name)(command)
