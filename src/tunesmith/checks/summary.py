"""What `summary.json` holds: the counts of a whole check as JSON values."""

from __future__ import annotations

from typing import Any

from tunesmith.checks.finding import SEVERITIES
from tunesmith.checks.run import Checked


def summary_of(checked: Checked, fail_on: str) -> dict[str, Any]:
    """Return what summary.json holds, without times and ranks."""
    severities = checked.severities
    failing = SEVERITIES[: ("never", "error", "warning").index(fail_on)]
    return {
        "rows": checked.rows,
        "bad_rows": checked.bad_rows,
        "records": sum(checked.kinds.values()),
        "kinds": dict(checked.kinds.most_common()),
        "formats": checked.formats,
        "findings": severities,
        "fail_on": fail_on,
        "failed": any(severities[name] for name in failing),
        "by_kind": {
            k: {"rows": t.rows, "findings": t.findings, **t.severities} for k, t in sorted(checked.tallies.items())
        },
        "checks": {name: {"numbers": dict(r.numbers), "advice": list(r.advice)} for name, r in checked.results.items()},
    }
