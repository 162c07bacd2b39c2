"""What a plan would change, from ``terraform show -json``: ``python -m tests.infra.planned PLAN.json``.

A stand-in of the provider that knows its schema alone leaves what the cloud computes unknown, in every plan: that is no
change.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def changes(plan: dict[str, Any]) -> Iterator[str]:
    """Yield each resource that a plan makes, removes or changes, with the arguments that differ."""
    for one in plan.get("resource_changes", ()):
        change = one["change"]
        if set(change["actions"]) <= {"no-op", "read"}:
            continue
        before, after, unknown = (change[key] or {} for key in ("before", "after", "after_unknown"))
        differ = sorted(
            name for name in {*before, *after} if before.get(name) != after.get(name) and not unknown.get(name)
        )
        if differ or change["actions"] != ["update"]:
            yield f"{one['address']}: {'/'.join(change['actions'])} {', '.join(differ)}".strip()


if __name__ == "__main__":
    found = list(changes(json.loads(Path(sys.argv[1]).read_text("utf-8"))))
    print("\n".join(found) or "the plan changes nothing")
    sys.exit(bool(found))
