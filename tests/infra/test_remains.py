"""What remains of a deployment, as the Tag Management Service tells it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.deploy import remains
from tests.infra.vendor import Vendor

ASKED = ['{"tag": "legible=legible", "region": "ap-southeast-1", "project_id": "0123"}']


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    made = Vendor()
    made.providers = [
        {"provider": "obs", "resource_types": [{"resource_type": "buckets", "global": True, "regions": []}]},
        {"provider": "fgs", "resource_types": [{"resource_type": "functions", "regions": ["ap-southeast-1"]}]},
        {"provider": "far", "resource_types": [{"resource_type": "elsewhere", "regions": ["cn-north-4"]}]},
    ]
    yield made
    made.server.stop()


def told(vendor: Vendor, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    keys = {
        "HW_ACCESS_KEY": vendor.key.access,
        "HW_SECRET_KEY": vendor.key.secret,
        "HW_SECURITY_TOKEN": vendor.key.token,
    }
    where = ["--tms", vendor.server.endpoint, "--iam", vendor.server.endpoint]
    status = remains.main([*ASKED, *where], keys)
    out = capsys.readouterr()
    return status, out.out + out.err


def test_nothing_remains(vendor, capsys):
    assert told(vendor, capsys) == (0, "0 resources with the tag legible=legible in ap-southeast-1.\n")
    assert vendor.asked_kinds == [["buckets", "functions"]]


def test_what_remains_is_named_and_what_is_anothers_is_not(vendor, capsys):
    vendor.tagged = [
        {"resource_type": "buckets", "resource_name": "in", "resource_id": "1", "tag": ("legible", "legible")},
        {"resource_type": "buckets", "resource_name": "dev", "resource_id": "2", "tag": ("legible", "legible-dev")},
    ]
    status, text = told(vendor, capsys)
    assert status == 1
    assert text.splitlines()[0] == "remains: buckets  in  1"
    assert "dev" not in text


def test_more_than_a_page_of_kinds_and_of_resources(vendor, capsys):
    kinds = [{"resource_type": f"k{number:03}", "global": True} for number in range(250)]
    vendor.providers = [{"provider": str(n), "resource_types": [kind]} for n, kind in enumerate(kinds)]
    vendor.tagged = [
        {"resource_type": "k249", "resource_name": "", "resource_id": str(n), "tag": ("legible", "legible")}
        for n in range(450)
    ]
    status, text = told(vendor, capsys)
    assert (status, text.count("remains: k249")) == (1, 450)
    assert sum(map(len, vendor.asked_kinds[:3])) == 250


def test_a_kind_that_could_not_be_looked_at_is_no_clean_end(vendor, capsys):
    vendor.broken = {"functions"}
    status, text = told(vendor, capsys)
    assert (status, "not looked at: functions: System error." in text) == (2, True)


def test_without_keys_or_service_it_says_what_to_do(vendor, capsys):
    assert remains.main(ASKED, {}) == 2
    assert "Set HW_ACCESS_KEY" in capsys.readouterr().err
    vendor.server.stop()
    status, text = told(vendor, capsys)
    assert (status, "cannot be reached" in text) == (2, True)
    vendor.server = Vendor().server
