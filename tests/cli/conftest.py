"""``legible doctor`` against a local cloud that is as a deployment must be."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from legible_cli.__main__ import main
from localcloud.cloud import LocalCloud
from localcloud.eps import EnterpriseProject
from tests.support.doctor import EPS
from tests.support.rig import PASSPORT


@pytest.fixture
def cloud():
    with LocalCloud(recognizer=lambda slug, image, options: PASSPORT) as running:
        running.eps.projects.append(EnterpriseProject(EPS, "finance"))
        yield running


@pytest.fixture
def doctor(cloud, tmp_path):
    """Return the command: given settings that name two operations and an enterprise project."""
    settings = tmp_path / "legible.toml"
    settings.write_text(
        f'default = "general-text"\n[operations.passport]\n[ocr]\nenterprise_project = "{EPS}"\n'
        '[ledger]\narbiter = "obs"\n'
    )

    def examine(*arguments, **changes):
        variables = {name: value for name, value in {**cloud.environment(), **changes}.items() if value is not None}
        blank = {"HUAWEICLOUD_SDK_SECURITY_TOKEN": ""}
        asked = ["doctor", "--settings", str(settings), *arguments]
        return CliRunner(env={**blank, **variables}).invoke(main, asked)

    examine.settings = settings
    return examine
