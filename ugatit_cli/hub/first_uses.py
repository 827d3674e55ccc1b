"""Files of the Hub that nobody could pin beforehand: which commit and content came first, and is enforced from then on."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import BadModelError
from ..files import write_atomically, writing
from .hub_file import HubFile
from .places import first_uses_folder


@dataclass(frozen=True)
class FirstUse:
    """What a word meant when it was first used: `commit` and `sha256` in full, `file` even where none was named."""

    repo: str
    commit: str
    file: str
    sha256: str

    @property
    def hub_file(self) -> HubFile:
        return HubFile(self.repo, self.commit, self.file)


def read_first_use(asked: HubFile) -> FirstUse | None:
    """None where it was never used.

    Raises:
        BadModelError: there is a record, and it cannot be read: trusting anew must be the user's decision.
    """
    path = _path(asked)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return FirstUse(**{name: record[name] for name in ("repo", "commit", "file", "sha256")})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        text = f"cannot read what {asked} was when it was first used: {path} is damaged"
        raise BadModelError(text, hint="delete that file to trust the Hub anew", name="first-use-damaged") from error


def record_first_use(asked: HubFile, first: FirstUse) -> None:
    """Raises OutputError or ResourceError where it cannot be written."""
    path = _path(asked)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps({**asdict(first), "asked": asdict(asked)}, indent=1).encode())


def forget_first_use(asked: HubFile) -> None:
    """From now on it may be another. Raises OutputError where the record cannot be removed."""
    path = _path(asked)
    with writing(path):
        path.unlink(missing_ok=True)


def first_uses() -> list[HubFile]:
    """What was asked for; a record that cannot be read is left out here, and whoever uses that model is told."""
    found = []
    for path in sorted(first_uses_folder().glob("*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            found.append(HubFile(**json.loads(path.read_text(encoding="utf-8"))["asked"]))
    return found


def _path(asked: HubFile) -> Path:
    digest = hashlib.sha256(str(asked).encode()).hexdigest()[:16]
    return first_uses_folder() / f"{asked.repo.replace('/', '--')}--{digest}.json"
