"""The strict arbiter: claims in Redis (DCS for Redis), which does one thing at a time. The journal stays in OBS.

One script decides and writes, so of two claims in the same instant one is second. What it needs are commands that DCS
has from 4.0 to 7.0; all its keys have one hash tag, so that clusters run it too. The name of a document is never sent:
only its digest.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import redis
from msgspec import Struct
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from legible.errors import LegibleError, SettingsError, UnavailableError
from legible.ledger.lines import SKEW_SECONDS
from legible.model.pages import Share

#: How long connecting may take, and one answer; in seconds. A call is sent twice at most: the second finds what the
#: first one did, so that nothing hangs on whether its reply was lost.
CONNECT_SECONDS, ANSWER_SECONDS = 1.0, 1.0
#: A connection that was idle so long is tried before it is used: an instance may have been frozen meanwhile.
_IDLE_SECONDS = 10

#: KEYS: the last number that was given, the claims of a document. ARGV: owner, share ("" for the whole), milliseconds,
#: and a number that the fence must exceed. A claim is a field named by its share: when it ends, its fence, its owner.
#: Numbers stay below 2^53 until the year 2255, so that Lua counts them exactly. `redis.replicate_commands` lets Redis 4
#: write after it told the time; later ones do so anyway.
_ACQUIRE = """
if redis.replicate_commands then redis.replicate_commands() end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local owner, share, above = ARGV[1], ARGV[2], tonumber(ARGV[4])
local ends = now + tonumber(ARGV[3])
local last, fence = ends, nil
local claims = redis.call('HGETALL', KEYS[2])
for i = 1, #claims, 2 do
  local other = claims[i]
  local til, number, who = string.match(claims[i + 1], '^(%d+) (%d+) (.*)$')
  til = tonumber(til)
  if other == share and who == owner then
    fence = tonumber(number)
  elseif til <= now then
    redis.call('HDEL', KEYS[2], other)
  elseif share == '' or other == '' or share == other
      or string.match(share, '/.*') ~= string.match(other, '/.*') then
    return nil
  elseif til > last then
    last = til
  end
end
if not fence or fence <= above then
  local given = tonumber(redis.call('GET', KEYS[1]) or '0')
  fence = math.max(given + 1, above + 1, time[1] * 1000000 + time[2])
  redis.call('SET', KEYS[1], string.format('%.0f', fence))
end
redis.call('HSET', KEYS[2], share, string.format('%.0f %.0f ', ends, fence) .. owner)
redis.call('PEXPIRE', KEYS[2], last - now)
return fence
"""
_RELEASE = """
local claim = redis.call('HGET', KEYS[1], ARGV[2])
if claim and string.match(claim, '^%d+ %d+ (.*)$') == ARGV[1] then
  return redis.call('HDEL', KEYS[1], ARGV[2])
end
return 0
"""
#: What Redis answers to whoever may not ask: nothing that passes by itself.
_REFUSALS = (
    exceptions.AuthenticationError,
    exceptions.AuthenticationWrongNumberOfArgsError,
    exceptions.AuthorizationError,
    exceptions.NoPermissionError,
)


class RedisAddress(Struct, frozen=True):
    """Where a Redis is, and as whom it is asked. Its text shows no password.

    ``url`` is ``rediss://host:port/database``, or ``redis://`` without TLS. ``authority`` is the file with the
    certificate that its own is signed by; None for those that this machine trusts.
    """

    url: str
    user: str = ""
    password: str = ""
    authority: Path | None = None

    def __repr__(self) -> str:
        """Return all but the password."""
        return f"RedisAddress({self.url!r}, user={self.user!r})"


class RedisFacts(NamedTuple):
    """What a Redis says of itself: version, role, what it does when it is full, whether it writes each change down."""

    version: str
    role: str
    eviction: str
    appends: bool


class RedisArbiter:
    """See ``legible.ports.arbiter.Arbiter``. Safe for several threads; its connections outlive an invocation.

    Args:
        address: Where Redis is.
        deployment: A name that no other deployment with the same Redis has: its output bucket.
        margin: How much longer than asked for a claim is held, in seconds: nobody else gets it while its owner, by a
            clock that is a little slow, still thinks it has it.
    """

    def __init__(self, address: RedisAddress, deployment: str, margin: float = SKEW_SECONDS) -> None:
        """Connect to nothing yet."""
        self._client = _client(address)
        self._where = f"{urlsplit(address.url).hostname}"
        self._prefix = f"legible:{{{deployment}}}"
        self._margin = margin
        self._checked = False

    def acquire(
        self, name: str, owner: str, seconds: float, *, share: Share | None = None, above: int = 0
    ) -> int | None:
        """See ``Arbiter.acquire``.

        Raises:
            SettingsError: Redis lets nobody in with these settings.
            UnavailableError: Redis cannot be asked now.
        """
        milliseconds = int((max(0.0, seconds) + self._margin) * 1000)
        keys = f"{self._prefix}:fence", self._claims(name)
        given = self._asked(
            lambda: self._client.eval(_ACQUIRE, 2, *keys, owner, _field(share), str(milliseconds), str(above))
        )
        return None if given is None else int(given)

    def release(self, name: str, owner: str, *, share: Share | None = None) -> None:
        """See ``Arbiter.release``."""
        with suppress(LegibleError):
            self._asked(lambda: self._client.eval(_RELEASE, 1, self._claims(name), owner, _field(share)))

    def check(self) -> None:
        """Find out once whether Redis lets us in, before anything is begun; a fault that passes is no answer.

        Raises:
            SettingsError: It does not.
        """
        if not self._checked:
            with suppress(UnavailableError):
                self._asked(self._client.ping)
                self._checked = True

    def facts(self) -> RedisFacts:
        """Return what Redis says of itself. Raises as ``acquire`` does."""
        told: dict[str, Any] = self._asked(self._client.info)
        return RedisFacts(
            version=str(told.get("redis_version", "")),
            role=str(told.get("role", "")),
            eviction=str(told.get("maxmemory_policy", "")),
            appends=bool(told.get("aof_enabled")),
        )

    def _claims(self, name: str) -> str:
        return f"{self._prefix}:claims:{hashlib.sha256(name.encode()).hexdigest()}"

    def _asked(self, ask: Callable[[], Any]) -> Any:
        """Ask Redis. Of what it answers only the kind is told: a text of its could quote what it was sent."""
        try:
            return _twice(ask)
        except _REFUSALS as error:
            raise SettingsError(
                f"Redis at {self._where} lets nobody in by these settings: {type(error).__name__}.",
                advice="Check ledger.redis_user and the variable that ledger.redis_password names, and that the user "
                "may run EVAL.",
            ) from None
        except (exceptions.RedisError, OSError) as error:
            if _distrusted(error):
                raise SettingsError(
                    f"The certificate of Redis at {self._where} is not trusted.",
                    advice="Put the instance's ca.crt beside legible.toml, and name it in ledger.redis_authority.",
                ) from None
            raise UnavailableError(
                f"Redis at {self._where} cannot be asked who may pay: {type(error).__name__}.",
                code="arbiter-away",
                advice="Nothing is paid for meanwhile. Check ledger.redis, and that the functions are in its VPC.",
            ) from None


def _twice(ask: Callable[[], Any]) -> Any:
    """Ask, and once more where the connection failed."""
    try:
        return ask()
    except _REFUSALS:
        raise
    except (exceptions.ConnectionError, exceptions.TimeoutError, OSError):
        return ask()


def _client(address: RedisAddress) -> redis.Redis:
    where = urlsplit(address.url)
    secure: dict[str, Any] = {}
    if where.scheme == "rediss":
        authority = str(address.authority) if address.authority else None
        secure = {"ssl": True, "ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_ca_certs": authority}
    return redis.Redis(
        host=where.hostname or "",
        port=where.port or 6379,
        db=int(where.path.strip("/") or 0),
        username=address.user or None,
        password=address.password or None,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),  # the client's own would try in each of its layers
        health_check_interval=_IDLE_SECONDS,
        protocol=2,  # the later one begins with a command that Redis 4 and 5 do not know
        driver_info=None,
        **secure,
    )


def _field(share: Share | None) -> str:
    return f"{share.number}/{share.of}" if share else ""


def _distrusted(error: BaseException) -> bool:
    """Tell whether a connection failed because of the other end's certificate."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, ssl.SSLCertVerificationError):
            return True
        found = found.__cause__ or found.__context__
    return False
