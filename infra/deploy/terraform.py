"""Terraform in the folder of a deployment's templates."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

from infra.errors import DeploymentError

#: The plan that was looked at is the plan that is made.
PLAN = "legible.tfplan"


class Terraform:
    """Runs Terraform's commands in a folder; each returns its exit status, or what it says.

    Each raises ``DeploymentError`` where there is no Terraform.
    """

    def __init__(self, command: str, settings: Path) -> None:
        """Take the command, as a shell would split it, and the settings file, which lies beside the templates.

        Raises:
            DeploymentError: No shell could split it.
        """
        try:
            self._command = [*shlex.split(command), f"-chdir={settings.parent}"]
        except ValueError as error:
            raise DeploymentError(f"TERRAFORM is {command!r}, which is no command: {error}.") from None
        self._settings = settings.name
        self._plan = settings.parent / PLAN

    def init(self) -> int:
        """Fetch what the templates need."""
        return self._run("init", "-input=false").returncode

    def where(self) -> str | None:
        """Return the output ``where`` as JSON: the deployment's tag, region and project; None where it is not told."""
        told = self._run("output", "-json", "where", quiet=True)
        return told.stdout if told.returncode == 0 else None

    def plan(self) -> int:
        """Plan, and keep the plan."""
        return self._run("plan", "-input=false", f"-var-file={self._settings}", f"-out={PLAN}").returncode

    def planned(self) -> dict[str, Any] | None:
        """Return the plan that was kept, as JSON has it; None where it is not told."""
        return self._shown(PLAN)

    def known(self) -> dict[str, Any] | None:
        """Return the state, as JSON has it; None where it is not told."""
        return self._shown()

    def apply(self) -> int:
        """Make what was planned, without asking."""
        return self._run("apply", "-input=false", PLAN).returncode

    def forget(self) -> None:
        """Remove the plan, so that nobody makes it."""
        self._plan.unlink(missing_ok=True)

    def destroy(self) -> int:
        """Destroy, after asking."""
        return self._run("destroy", f"-var-file={self._settings}").returncode

    def state(self) -> list[str]:
        """Return the addresses of what Terraform still knows."""
        return self._run("state", "list", quiet=True).stdout.splitlines()

    def _shown(self, *what: str) -> dict[str, Any] | None:
        told = self._run("show", "-json", *what, quiet=True)
        try:
            return dict(json.loads(told.stdout)) if told.returncode == 0 else None
        except ValueError:
            return None

    def _run(self, *arguments: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command of it; a quiet one's output is read, any other's is seen."""
        output = subprocess.PIPE if quiet else None
        try:
            return subprocess.run([*self._command, *arguments], stdout=output, text=True, check=False)
        except OSError as error:
            raise DeploymentError(
                f"{self._command[0]} cannot be run: {error.strerror}.",
                advice="Install Terraform 1.9 or newer, or name it: make plan TERRAFORM=/path/to/terraform.",
            ) from None
