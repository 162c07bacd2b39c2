"""One suite for every ObjectVersions: the fake the other tests trust, and the OBS adapter over a real HTTP server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from legible.errors import HeldError, ObjectGoneError, UnavailableError
from legible.huawei.credentials import Credentials
from legible.huawei.obs import ObsEndpoint
from legible.huawei.obs_versions import ObsVersions
from legible.model.documents import ObjectRef
from legible.ports import ObjectStore
from legible.ports.versions import ListedVersion, ObjectVersions
from localcloud.cloud import LocalCloud
from localcloud.faults import Fault
from tests.support import clouds
from tests.support.fakes import MemoryStore, MemoryVersions

KEYS = ["a.json", "with space.json", "a+b%20c.json", "护照/张三.json", "a/b.json", "ü?&=#.json"]


def of_cloud(cloud: LocalCloud, listed: int = 3) -> ObsVersions:
    key = cloud.keys.temporary()
    address = ObsEndpoint(cloud.obs_endpoint, "v2", path_style=True, region=cloud.region)
    return ObsVersions(address, Credentials(key.access, key.secret, key.token), listed)


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(functions={}, recognizer=lambda slug, image, options: {}) as running:
        running.obs.create_bucket("kept-versions")
        running.obs.keep_versions("kept-versions")
        running.obs.create_bucket("no-versions")
        yield running


@pytest.fixture(params=["memory", "obs"])
def both(request: pytest.FixtureRequest, cloud: LocalCloud) -> tuple[ObjectStore, ObjectVersions]:
    if request.param == "obs":
        return clouds.store(cloud), of_cloud(cloud)
    store = MemoryStore()
    store.versioned = {"kept-versions"}
    return store, MemoryVersions(store)


@pytest.mark.parametrize("bucket", ["kept-versions", "no-versions"])
def test_every_version_is_listed_and_removed_for_good(both, bucket):
    """Given objects, some written twice and one removed, then each version is named, can be read, and be removed."""
    store, versions = both
    for key in KEYS:
        for body in (b"first", b"second"):
            store.write(ObjectRef(bucket, key), body, "text/plain")
    store.append(ObjectRef(bucket, "list.jsonl"), 0, b"line\n")
    store.remove(ObjectRef(bucket, KEYS[0]))
    listed = list(versions.each(bucket, ""))
    keys = [one.key for one in listed]
    assert keys == sorted(keys, key=str.encode)
    assert set(keys) >= {*KEYS[1:], "list.jsonl"}
    contents = {versions.read(ObjectRef(bucket, one.key), one.version_id) for one in listed if not one.marker}
    assert contents >= ({b"first", b"second", b"line\n"} if bucket == "kept-versions" else {b"second", b"line\n"})
    assert [one.key for one in versions.each(bucket, "a/")] == ["a/b.json"] * keys.count("a/b.json")
    for one in listed:
        versions.remove(bucket, one)
    assert list(versions.each(bucket, "")) == []
    versions.remove(bucket, listed[0])  # once more is no error
    with pytest.raises(ObjectGoneError):
        store.head(ObjectRef(bucket, KEYS[1]))


def test_of_a_bucket_that_kept_versions_later_the_first_one_goes_too(cloud):
    cloud.obs.create_bucket("kept-later")
    store, versions = clouds.store(cloud), of_cloud(cloud)
    store.write(ObjectRef("kept-later", "a"), b"before", "")
    cloud.obs.keep_versions("kept-later")
    store.write(ObjectRef("kept-later", "a"), b"after", "")
    store.remove(ObjectRef("kept-later", "a"))
    for one in list(versions.each("kept-later", "a")):
        versions.remove("kept-later", one)
    assert list(versions.each("kept-later", "")) == []


class TestFaults:
    def test_what_obs_refuses_is_held(self, cloud):
        cloud.obs.faults.add(Fault("error", "DELETE", "*", 1, status=403, code="AccessDenied"))
        with pytest.raises(HeldError):
            of_cloud(cloud).remove("no-versions", ListedVersion("a", "null"))

    def test_a_connection_that_breaks_is_a_fault_that_passes(self, cloud):
        cloud.obs.faults.add(Fault("cut", "GET", "no-versions*", None))
        try:
            with pytest.raises(UnavailableError):
                list(of_cloud(cloud).each("no-versions", ""))
        finally:
            cloud.obs.faults.clear()

    def test_a_version_that_is_none_is_gone(self, cloud):
        with pytest.raises(ObjectGoneError):
            of_cloud(cloud).read(ObjectRef("no-versions", "nothing"), "no version of this bucket")

    def test_a_text_that_is_no_version_id_is_gone_too(self, cloud):
        versions = of_cloud(cloud)

        class BadArgument:
            status, header, body = 400, (), None

        versions._client.getObject = lambda *names, **more: BadArgument  # type: ignore[method-assign]
        with pytest.raises(ObjectGoneError):
            versions.read(ObjectRef("no-versions", "a"), "?")

    def test_a_list_that_cannot_be_parsed_is_a_fault_that_passes(self, cloud):
        versions = of_cloud(cloud)

        class Unread:
            status, header, body = 200, (), None

        versions._client.listVersions = lambda bucket, version: Unread  # type: ignore[method-assign]
        with pytest.raises(UnavailableError, match="cannot be read"):
            list(versions.each("no-versions", ""))
