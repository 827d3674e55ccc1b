"""Which pictures go where, and reading, translating and writing them at the same time.

What is named here decides and checks, and starts fast. The work itself, `pictures.run_jobs` and `writing.Writer`, loads
what decodes pictures, so whoever needs it imports it late.
"""

from __future__ import annotations

from .claim import claim_outputs, read_journals
from .destination import Extra, OutputOptions
from .interruption import Interruption, watch_signals
from .journal import Journal
from .outcomes import Failure, Outcome, Tally, Written
from .pending import Choices, Existing, Pending, sort_jobs
from .plan import Job, make_plan
from .preflight import check_folders, check_space
from .settings import Settings
from .sources import read_now

__all__ = [
    "Choices",
    "Existing",
    "Extra",
    "Failure",
    "Interruption",
    "Job",
    "Journal",
    "Outcome",
    "OutputOptions",
    "Pending",
    "Settings",
    "Tally",
    "Written",
    "check_folders",
    "check_space",
    "claim_outputs",
    "make_plan",
    "read_journals",
    "read_now",
    "sort_jobs",
    "watch_signals",
]
