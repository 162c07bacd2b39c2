"""The temporary keys of the function's agency."""

from __future__ import annotations

from msgspec import Struct

from legible.errors import CredentialsError


class Credentials(Struct, frozen=True):
    """An access key, its secret and its security token, valid for 24 hours at the most. Never shown."""

    access_key: str
    secret_key: str
    token: str

    def __repr__(self) -> str:
        """Show nothing of them."""
        return "Credentials(...)"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not appear in any text."""
        return tuple(part for part in (self.token, self.secret_key, self.access_key) if part)


def checked(access_key: str | None, secret_key: str | None, token: str | None) -> Credentials:
    """Return the three as credentials.

    Raises:
        CredentialsError: One of them is empty.
    """
    # Without an agency FunctionGraph returns empty texts for all three, and no error (functiongraph_02_0502).
    if not (access_key and secret_key and token):
        raise CredentialsError(
            "The function has no temporary keys: getSecurityAccessKey, getSecuritySecretKey and getSecurityToken must "
            "all return a text.",
            # op_svc_cff is FunctionGraph's own account, which the agency trusts. Instances keep the keys they have for
            # about ten minutes (functiongraph_02_0502).
            advice="Attach an agency to op_svc_cff that may read the input bucket, write the output bucket and call "
            "OCR; it takes effect after about ten minutes.",
        )
    return Credentials(access_key, secret_key, token)
