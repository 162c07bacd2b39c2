"""What goes wrong while a deployment is made."""

from __future__ import annotations

from legible.errors import LegibleError


class PackageError(LegibleError):
    """The package cannot be made."""

    code = "package"


class DeploymentError(LegibleError):
    """What is planned or deployed must not be."""

    code = "deployment"
