from __future__ import annotations

from ugatit_cli.diagnosis.clock import WRITTEN, clock_findings
from ugatit_cli.errors import ExitCode


def test_the_clock_here_is_right() -> None:
    (finding,) = clock_findings()
    assert finding.status == "ok"


def test_a_clock_that_lost_its_battery() -> None:
    (finding,) = clock_findings(0)
    assert (finding.status, finding.exit_code) == ("problem", ExitCode.NETWORK)
    assert finding.text.startswith("the clock says 1970-01-01 00:00 UTC")
    assert next(clock_findings(WRITTEN.timestamp())).status == "ok"
