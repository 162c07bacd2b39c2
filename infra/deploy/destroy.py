"""Take a deployment down, and tell what is left of it: ``make destroy``.

Terraform asks before it destroys. What it could not destroy is in its state still; what it does not know of has the
deployment's tag still, which ``infra.deploy.remains`` looks for, also where Terraform failed half-way.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.deploy import remains


class Terraform:
    """Terraform in the folder of a deployment's templates."""

    def __init__(self, command: str, settings: Path) -> None:
        """Take the command, as a shell would split it, and the settings file, which lies beside the templates."""
        self._command = [*shlex.split(command), f"-chdir={settings.parent}"]
        self._settings = settings.name

    def init(self) -> int:
        """Fetch what the templates need; return the exit status."""
        return self._run("init", "-input=false").returncode

    def where(self) -> str | None:
        """Return the output ``where`` as JSON: the deployment's tag, region and project; None where it is not told."""
        told = self._run("output", "-json", "where", quiet=True)
        return told.stdout if told.returncode == 0 else None

    def destroy(self) -> int:
        """Destroy, after asking; return the exit status."""
        return self._run("destroy", f"-var-file={self._settings}").returncode

    def state(self) -> list[str]:
        """Return the addresses of what Terraform still knows."""
        return self._run("state", "list", quiet=True).stdout.splitlines()

    def _run(self, *arguments: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command of it; a quiet one's output is read, any other's is seen."""
        output = subprocess.PIPE if quiet else None
        return subprocess.run([*self._command, *arguments], stdout=output, text=True, check=False)


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Return 0 where all is gone; what ``remains`` returns where it is not; else what Terraform returned."""
    parser = argparse.ArgumentParser(prog="python -m infra.deploy.destroy", description=__doc__.partition("\n")[0])
    parser.add_argument("settings", type=Path, help="the deployment's settings file, beside its templates")
    parser.add_argument("--terraform", default="terraform", metavar="COMMAND")
    options, rest = parser.parse_known_args(arguments)
    terraform = Terraform(options.terraform, options.settings)
    ready = terraform.init()
    if ready:
        return ready
    where = terraform.where()
    if where is None:
        return 1
    destroyed = terraform.destroy()
    for address in terraform.state():
        print(f"still in the state: {address}", flush=True)
    return remains.main([where, *rest], environment) or destroyed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))  # noqa: TID251 - a command has nothing else
