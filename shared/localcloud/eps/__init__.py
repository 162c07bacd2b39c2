"""A local EPS: the enterprise projects of the account."""

from localcloud.eps.server import EnterpriseProject, LocalEps

__all__ = ["EnterpriseProject", "LocalEps"]
