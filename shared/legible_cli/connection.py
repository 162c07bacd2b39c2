"""How an operator's commands reach a deployed Legible, or a local one: settings, and keys of the operator's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click

from legible.errors import LegibleError
from legible.huawei.account import Access
from legible.huawei.credentials import Credentials
from legible.ports import ObjectStore
from legible.settings import Settings, load
from legible.wiring import adapters
from legible.wiring.account import Account
from legible.wiring.oversight import Oversight
from legible.wiring.parts import Parts, at_desk

#: The variables of the Huawei Cloud SDKs (sdk-core-python, "Use Environment Variable").
KEYS = _ACCESS, _SECRET, _TOKEN = "HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN"

settings_option = click.option(
    "--settings",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Settings file. Default: legible.toml beside the code. Variables like LEGIBLE_OUTPUT_BUCKET override it.",
)


class Connection(NamedTuple):
    """Where an operator's command works."""

    settings: Settings
    store: ObjectStore
    #: Where the settings file is, and the forms that it names.
    folder: Path
    #: The operator's keys.
    credentials: Credentials

    def parts(self, owner: str, seconds: float) -> Parts:
        """Return what works for a command.

        Args:
            owner: A name no other command has.
            seconds: How long whoever called it waits; see ``at_desk``.
        """
        return Parts(self.settings, self.store, at_desk(owner, seconds, self.store), self.folder)

    def oversight(self, owner: str, seconds: float) -> Oversight:
        """Return what counts calls, for a command; see ``parts``."""
        access = Access(self.credentials, self.settings.cloud.project_id, "the keys' user")
        return Oversight(self.parts(owner, seconds), Account(self.settings, access))

    @property
    def patient(self) -> Connection:
        """The same with a store that asks for nothing ahead: for a command that looks at any number of objects."""
        return self._replace(store=adapters.plain_store_of(self.settings, self.credentials))

    @property
    def output(self) -> str:
        """The output bucket."""
        return self.settings.buckets.output


def connect(file: Path | None, environment: Mapping[str, str] | None = None) -> Connection:
    """Return the connection that settings file and environment describe.

    Raises:
        click.ClickException: No keys, a wrong setting, or a file that is not there.
    """
    environment = os.environ if environment is None else environment  # noqa: TID251 - a command has nothing else
    _there(file)
    access, secret = (environment.get(name, "") for name in (_ACCESS, _SECRET))
    if not access or not secret:
        raise click.ClickException(
            f"Set {_ACCESS} and {_SECRET}, and {_TOKEN} for temporary keys, to the keys of a user who may read and "
            "write the output bucket. For the local cloud, `legible up` says where they are."
        )
    settings = settings_of(file, environment)
    keys = Credentials(access, secret, environment.get(_TOKEN, ""))
    folder = file.resolve().parent if file else adapters.settings_folder()
    return Connection(settings, adapters.store_of(settings, keys), folder, keys)


def settings_of(file: Path | None, environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings that file and environment describe, for a command that calls nothing.

    Raises:
        click.ClickException: A wrong setting, or a file that is not there.
    """
    environment = os.environ if environment is None else environment  # noqa: TID251 - a command has nothing else
    _there(file)
    try:
        return load(file or adapters.settings_file(), environment.get)
    except LegibleError as error:
        raise click.ClickException(str(error)) from None


def _there(file: Path | None) -> None:
    if file is not None and not file.is_file():
        raise click.ClickException(f"There is no settings file {file}.")


def told(command: Callable[..., Any], *values: Any, **named: Any) -> Any:
    """Do something and tell an error of Legible as a sentence, not as a traceback."""
    try:
        return command(*values, **named)
    except LegibleError as error:
        raise click.ClickException(str(error)) from None
