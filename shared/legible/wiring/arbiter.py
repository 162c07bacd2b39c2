"""The strict arbiter as a function or a command uses it, made as the settings say when it is first asked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from legible.errors import SettingsError
from legible.model.pages import Share
from legible.settings import Settings
from legible.settings.checks import password_of

if TYPE_CHECKING:
    from legible.ledger.redis import RedisArbiter
    from legible.wiring.instance import Instance

#: A part of the client that the runtime's own has not: FunctionGraph's image brings redis-py 3.5.3, which is too old.
_LIBRARY = "redis.backoff"


class SetArbiter:
    """The arbiter that the settings name; who claims nothing loads no client. See ``legible.ports.arbiter.Arbiter``.

    Args:
        make: Returns it. Raises ``SettingsError`` where it cannot be made.
    """

    def __init__(self, make: Callable[[], RedisArbiter]) -> None:
        """Make nothing yet."""
        self._make = make

    def acquire(
        self, name: str, owner: str, seconds: float, *, share: Share | None = None, above: int = 0
    ) -> int | None:
        """See ``Arbiter.acquire``."""
        return self._make().acquire(name, owner, seconds, share=share, above=above)

    def release(self, name: str, owner: str, *, share: Share | None = None) -> None:
        """See ``Arbiter.release``."""
        with suppress(SettingsError):
            self._make().release(name, owner, share=share)

    def check(self) -> None:
        """Find out whether it lets us in, before anything is begun; a fault that passes is no answer.

        Raises:
            SettingsError: It does not, or it cannot be made.
        """
        self._make().check()


def arbiter_of(
    settings: Settings, variable: Callable[[str], str | None], folder: Path, shared: Instance | None = None
) -> SetArbiter | None:
    """Return the arbiter that the settings name; None for the journal alone.

    Args:
        settings: The settings.
        variable: Returns a user variable, the one with the password among them.
        folder: Where the settings file is, and the authority that it names.
        shared: Keeps its connections from one invocation to the next; None to keep none.
    """
    if settings.ledger.arbiter == "obs":
        return None
    return SetArbiter(lambda: redis_of(settings, variable, folder, shared))


def redis_of(
    settings: Settings,
    variable: Callable[[str], str | None],
    folder: Path,
    shared: Instance | None = None,
    library: str = _LIBRARY,
) -> RedisArbiter:
    """Return the arbiter in Redis. Args are as of ``arbiter_of``; ``library`` is what it is asked by.

    Raises:
        SettingsError: The package lacks its client, or the password is missing.
    """
    if not _there(library):
        raise SettingsError(
            "ledger.arbiter is redis, and the package has no client of it: nobody could say who may pay.",
            advice='Make it with OPTIONS="--redis".',
        )
    from legible.ledger.redis import RedisAddress, RedisArbiter  # not in every package

    ledger = settings.ledger
    authority = folder / ledger.redis_authority if ledger.redis_authority else None
    address = RedisAddress(ledger.redis, ledger.redis_user, password_of(settings, variable), authority)
    deployment = settings.buckets.output

    def make() -> RedisArbiter:
        return RedisArbiter(address, deployment)

    return make() if shared is None else shared.arbiter((address, deployment), make)


def _there(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except ModuleNotFoundError:
        return False
