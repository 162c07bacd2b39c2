"""Settings: ``legible.toml`` in the zip, single values overridden by the function's user variables."""

from legible.settings.essentials import Usable, usable
from legible.settings.tables import RetentionRule, Settings
from legible.settings.toml_file import VARIABLES, load

__all__ = ["VARIABLES", "RetentionRule", "Settings", "Usable", "load", "usable"]
