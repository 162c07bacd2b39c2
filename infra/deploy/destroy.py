"""Take a deployment down, and tell what is left of it: ``make destroy``.

Terraform asks before it destroys. What it could not destroy is in its state still; what it does not know of has the
deployment's tag still, which ``infra.deploy.remains`` looks for, also where Terraform failed half-way.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.deploy import environments, remains
from infra.deploy.terraform import Terraform
from infra.errors import DeploymentError


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Return 0 where all is gone; what ``remains`` returns where it is not; else what Terraform returned."""
    parser = argparse.ArgumentParser(prog="python -m infra.deploy.destroy", description=__doc__.partition("\n")[0])
    parser.add_argument("settings", type=Path, help="the deployment's settings file, beside its templates")
    parser.add_argument("--terraform", default="terraform", metavar="COMMAND")
    options, rest = parser.parse_known_args(arguments)
    try:
        terraform = Terraform(options.terraform, options.settings)
        environments.alone(options.settings)
        ready = terraform.init()
        if ready:
            return ready
        environments.same(options.settings, terraform.known())
    except DeploymentError as error:
        print(f"Not destroyed: {error}", file=sys.stderr)
        return 2
    where = terraform.where()
    if where is None:
        return 1
    destroyed = terraform.destroy()
    for address in terraform.state():
        print(f"still in the state: {address}", flush=True)
    return remains.main([where, *rest], environment) or destroyed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))  # noqa: TID251 - a command has nothing else
