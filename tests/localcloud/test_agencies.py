"""The local IAM tells of agencies as the vendor: in pages, by permission, the longest list with the least in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from legible.errors import HeldError
from legible.huawei.credentials import Credentials
from legible.huawei.signed import Caller, Service
from localcloud.cloud import INPUT_BUCKET, PROJECT_ID, LocalCloud
from localcloud.iam.account import DOMAIN_ID
from localcloud.iam.agencies import Agency, Role

LIST = "/v3.0/OS-AGENCY/agencies"
UPLOAD = "legible-exec-on-upload"


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(functions={}) as running:
        yield running


@pytest.fixture
def ask(cloud: LocalCloud) -> Iterator[Callable[..., Any]]:
    """Ask with the vendor's signature; what is refused raises."""
    service = Service("IAM", cloud.account_endpoint, "endpoint", "iam:what:ever")
    caller = Caller(service, Credentials(cloud.credentials.access, cloud.credentials.secret, ""), PROJECT_ID)
    before = dict(cloud.account.agencies.by_name)
    yield lambda path, **query: caller.get(path, 5, query)
    cloud.account.agencies.by_name, cloud.account.agencies.allowed = before, None


def granted(kind: str, place: str, agency: Agency) -> str:
    return f"/v3.0/OS-AGENCY/{kind}/{place}/agencies/{agency.id}/roles"


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(HeldError) as caught:
        call()
    return caught.value.vendor_code


def test_the_agencies_are_those_that_terraform_makes(ask: Any) -> None:
    names = {one["name"] for one in ask(LIST, domain_id=DOMAIN_ID)["agencies"]}
    assert {UPLOAD, "legible-exec-http-api", "legible-config", "legible-eventgrid"} <= names
    (one,) = ask(LIST, domain_id=DOMAIN_ID, name=UPLOAD)["agencies"]
    assert (one["trust_domain_name"], one["domain_id"]) == ("op_svc_cff", DOMAIN_ID)


def test_lists_come_in_pages(cloud: LocalCloud, ask: Any) -> None:
    cloud.account.agencies.add(*(Agency(f"a-{number}") for number in range(20)))
    count = len(cloud.account.agencies.by_name)
    pages = [ask(LIST, domain_id=DOMAIN_ID, page=str(page), per_page="9")["agencies"] for page in range(1, 6)]
    assert [len(page) for page in pages] == [9, 9, 9, count - 27, 0]
    for wrong in ({"page": "1"}, {"per_page": "9"}, {"page": "0", "per_page": "9"}, {"page": "1", "per_page": "501"}):
        assert refused(lambda wrong=wrong: ask(LIST, domain_id=DOMAIN_ID, **wrong)) == "IAM.0400"


def test_another_accounts_agencies_are_not_told(ask: Any) -> None:
    assert refused(lambda: ask(LIST)) == refused(lambda: ask(LIST, domain_id="0e" * 16)) == "IAM.0403"


def test_permissions_are_told_by_scope(cloud: LocalCloud, ask: Any) -> None:
    agency = cloud.account.agencies.by_name[UPLOAD]
    inside = ask(granted("projects", PROJECT_ID, agency))["roles"]
    assert {one["display_name"] for one in inside} == {"OCR ReadOnlyAccess", f"{UPLOAD}-project"}
    assert ask(granted("projects", "0e" * 16, agency))["roles"] == []
    assert ask(granted("domains", DOMAIN_ID, agency))["roles"] == []
    agency.domain.append(Role("OBS Administrator"))
    (one,) = ask(granted("domains", DOMAIN_ID, agency))["roles"]
    assert (one["display_name"], one["policy"]["Version"]) == ("OBS Administrator", "1.1")
    agency.domain.clear()


def test_what_is_granted_on_all_resources_has_no_name_that_people_know(cloud: LocalCloud, ask: Any) -> None:
    """Its content is asked for by its id (iam_12_0014 has no display_name and no policy)."""
    agency = cloud.account.agencies.by_name[UPLOAD]
    path = f"/v3.0/OS-INHERIT/domains/{DOMAIN_ID}/agencies/{agency.id}/roles/inherited_to_projects"
    (one,) = ask(path)["roles"]
    assert set(one) == {"id", "name", "links"} and one["name"].startswith("custom_")
    role = ask(f"/v3/roles/{one['id']}")["role"]
    assert role["display_name"] == f"{UPLOAD}-obs" and role["type"] == "AX"
    assert f"obs:*:*:object:{INPUT_BUCKET}/*" in role["policy"]["Statement"][1]["Resource"]


def test_what_is_not_there_is_not_found(cloud: LocalCloud, ask: Any) -> None:
    assert refused(lambda: ask("/v3/roles/none")) == "IAM.0404"
    assert refused(lambda: ask(granted("projects", PROJECT_ID, Agency("none")))) == "IAM.0404"
    assert refused(lambda: ask("/v3/elsewhere")) == "IAM.0004"


def test_whoever_lacks_the_right_for_a_look_is_refused_it(cloud: LocalCloud, ask: Any) -> None:
    agency = cloud.account.agencies.by_name[UPLOAD]
    cloud.account.agencies.allowed = {"iam:agencies:listAgencies"}
    assert ask(LIST, domain_id=DOMAIN_ID)["agencies"]
    assert refused(lambda: ask(granted("projects", PROJECT_ID, agency))) == "IAM.0403"


def test_identity_policies_are_told_apart(cloud: LocalCloud, ask: Any) -> None:
    agency = cloud.account.agencies.by_name[UPLOAD]
    path = f"/v5/agencies/{agency.id}/attached-policies"
    assert ask(path)["attached_policies"] == []
    agency.identity_policies.append("legible")
    assert [one["policy_name"] for one in ask(path)["attached_policies"]] == ["legible"]
    agency.identity_policies.clear()
