"""One suite for every ObjectStore: the fake the other tests trust, and the OBS adapter over a real HTTP server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obs import CompleteMultipartUploadRequest, CompletePart

from legible.errors import AppendConflictError, HeldError, ObjectGoneError, ReplacedError, UnavailableError
from legible.huawei import obs
from legible.huawei.credentials import Credentials
from legible.huawei.store_clock import StoreClock
from legible.model.documents import NEVER, ObjectRef
from legible.ports import ObjectStore, Shown, Wanted, utc_now
from localcloud.cloud import LocalCloud
from localcloud.faults import Fault
from tests.support import clouds
from tests.support.examples import examples
from tests.support.fakes import MemoryStore

BUCKET = "legible-out"


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(functions={}, recognizer=lambda slug, image, options: {}) as running:
        yield running


@pytest.fixture(params=["memory", "obs"])
def store(request: pytest.FixtureRequest, cloud: LocalCloud) -> ObjectStore:
    return MemoryStore() if request.param == "memory" else clouds.store(cloud)


def test_the_time_is_the_store_s(store):
    store.write(ObjectRef(BUCKET, "dated"), b"x", "text/plain")
    assert abs((store.now() - (store.head(ObjectRef(BUCKET, "dated")).modified_at or NEVER)).total_seconds()) < 60


@pytest.mark.parametrize("minutes", [5, -5])
def test_an_instance_whose_clock_is_wrong_learns_the_store_s_time_from_its_replies(cloud, minutes):
    clock = StoreClock(lambda: utc_now() + timedelta(minutes=minutes))
    store = clouds.store(cloud, clock=clock)
    assert abs((store.now() - utc_now()).total_seconds()) > 200
    with pytest.raises(ObjectGoneError):  # every reply tells, also one that refuses
        store.head(ObjectRef(BUCKET, "not there"))
    assert abs((store.now() - utc_now()).total_seconds()) < 60


KEYS = ["a.json", "with space.json", "a+b%20c.json", "护照/张三.json", "emoji 🛂.json", "a//b.json", "ü?&=#.json"]


@pytest.mark.parametrize("key", KEYS)
def test_what_is_written_is_read(store, key):
    ref = ObjectRef(BUCKET, key)
    store.write(ref, b"hello", "text/plain", {"ocr-request": "r-1"})
    head = store.head(ref)
    assert store.read(ref) == b"hello"
    assert (head.size, head.etag) == (5, hashlib.md5(b"hello").hexdigest())
    assert head.content_type == "text/plain"
    assert head.metadata["ocr-request"] == "r-1"


@pytest.mark.parametrize("kind", ["plain", "encrypted", "versioned"])
def test_what_identifies_the_bytes_is_told_where_the_store_knows_it(cloud, kind):
    # given a bucket of each kind, in the fake and in OBS
    bucket = f"docs-{kind}"
    memory, obs_store = MemoryStore(), clouds.store(cloud)
    cloud.obs.create_bucket(bucket)
    if kind == "encrypted":
        cloud.obs.encrypt(bucket)
        memory.encrypted.add(bucket)
    if kind == "versioned":
        cloud.obs.keep_versions(bucket)
        memory.versioned.add(bucket)
    for store in (memory, obs_store):
        ref, copy = ObjectRef(bucket, "a"), ObjectRef(bucket, "b")

        # when it is written, copied and read back by its etag
        store.write(ref, b"hello", "text/plain")
        store.copy(ref, copy)
        head = store.head(ref)

        # then an etag that is no MD5 is not taken for one
        md5 = hashlib.md5(b"hello").hexdigest()
        assert {head.md5, store.head(copy).md5} == ({""} if kind == "encrypted" else {md5})
        assert (head.etag == md5) == (kind != "encrypted")
        assert store.read(ref, Wanted(head.version_id, head.etag)) == b"hello"
        assert bool(head.version_id) == (kind == "versioned")
        assert head.seen_at is not None


def test_an_object_made_by_parts_or_by_appending_tells_no_md5(cloud):
    client, store = clouds.client(cloud), clouds.store(cloud)
    cloud.obs.create_bucket("docs-parts")
    begun = client.initiateMultipartUpload("docs-parts", "parts").body.uploadId
    part = client.uploadPart("docs-parts", "parts", 1, begun, "hello").body.etag
    complete = CompleteMultipartUploadRequest([CompletePart(1, part)])
    assert client.completeMultipartUpload("docs-parts", "parts", begun, complete).status == 200
    store.append(ObjectRef("docs-parts", "appended"), 0, b"hello")
    assert [store.head(ObjectRef("docs-parts", key)).md5 for key in ("parts", "appended")] == ["", ""]


def test_a_file_is_written_as_its_bytes_are(store, tmp_path):
    ref, file = ObjectRef(BUCKET, "from a file"), tmp_path / "large"
    file.write_bytes(b"x" * 300_000)
    store.write(ref, file, "application/pdf", {"legible": "1"})
    head = store.head(ref)
    assert (head.size, head.content_type, head.metadata["legible"]) == (300_000, "application/pdf", "1")
    assert store.read(ref) == b"x" * 300_000


def test_what_is_created_is_there_with_its_metadata(store):
    ref = ObjectRef(BUCKET, "created")
    store.create(ref, b"hello", "text/plain", {"legible-size": "5"})
    assert (store.read(ref), store.head(ref).metadata["legible-size"]) == (b"hello", "5")


def test_what_is_created_is_sent_once_though_no_answer_comes(cloud):
    client, ref = clouds.client(cloud), ObjectRef("versions-kept", "a.png")
    client.createBucket(ref.bucket)
    client.setBucketVersioning(ref.bucket, "Enabled")
    cloud.obs.faults.add(Fault("lost-answer", method="PUT", path=f"{ref.bucket}/*"))
    with pytest.raises(UnavailableError):
        clouds.store(cloud).create(ref, b"hello", "image/png", {})
    assert len(client.listVersions(ref.bucket).body.versions) == 1


@pytest.mark.parametrize("key", KEYS)
def test_a_copy_is_what_it_was_made_of_metadata_too(store, key):
    source, target = ObjectRef(BUCKET, key), ObjectRef(BUCKET, f"copies/{key}")
    store.write(source, b"hello", "text/plain", {"legible": '{"version": "v1"}'})
    store.copy(source, target)
    head = store.head(target)
    assert store.read(target) == b"hello"
    assert (head.content_type, head.metadata["legible"]) == ("text/plain", '{"version": "v1"}')


def test_what_is_not_there_is_not_copied(store):
    with pytest.raises(ObjectGoneError):
        store.copy(ObjectRef(BUCKET, "never"), ObjectRef(BUCKET, "copies/never"))


def test_what_is_removed_is_gone_and_may_be_removed_again(store):
    ref = ObjectRef(BUCKET, "removed")
    store.write(ref, b"hello", "text/plain")
    store.remove(ref)
    store.remove(ref)
    with pytest.raises(ObjectGoneError):
        store.head(ref)


def test_a_range_is_read(store):
    ref = ObjectRef(BUCKET, "range")
    store.write(ref, b"0123456789", "text/plain")
    assert store.read(ref, Wanted(first=2, last=4)) == b"234"


def test_what_was_replaced_is_not_read(store):
    ref = ObjectRef(BUCKET, "replaced")
    store.write(ref, b"one", "text/plain")
    etag = store.head(ref).etag
    assert store.read(ref, Wanted(etag=etag)) == b"one"
    store.write(ref, b"two", "text/plain")
    with pytest.raises(ReplacedError):
        store.read(ref, Wanted(etag=etag))


def test_the_time_is_in_utc(store):
    ref = ObjectRef(BUCKET, "time")
    store.write(ref, b"", "text/plain")
    at = store.head(ref).modified_at
    assert at.tzinfo == timezone.utc
    if isinstance(store, obs.ObsStore):
        assert abs((datetime.now(timezone.utc) - at).total_seconds()) < 60


def test_what_is_not_there_is_gone(store):
    ref = ObjectRef(BUCKET, "never")
    for look in (store.head, store.read):
        with pytest.raises(ObjectGoneError):
            look(ref)


def test_a_version_that_is_not_there_is_gone(store):
    ref = ObjectRef(BUCKET, "versioned")
    store.write(ref, b"x", "text/plain")
    with pytest.raises(ObjectGoneError):
        store.head(ref, "G00101A0F057D2A5FFFFCB8700806592")


def test_appends_have_one_winner_a_position(store):
    ref = ObjectRef(BUCKET, f"journal-{type(store).__name__}")
    assert store.append(ref, 0, b"one\n") == 4
    with pytest.raises(AppendConflictError):
        store.append(ref, 0, b"two\n")
    assert store.append(ref, 4, b"two\n") == 8
    assert store.read(ref) == b"one\ntwo\n"


def test_what_was_written_whole_takes_no_append(store):
    ref = ObjectRef(BUCKET, "whole")
    store.write(ref, b"whole", "text/plain")
    with pytest.raises(HeldError) as caught:
        store.append(ref, 5, b"more")
    assert caught.value.reason_code == "not-appendable"


class TestObs:
    def test_a_412_is_believed_only_where_head_agrees(self, cloud):
        store, ref = clouds.store(cloud), ObjectRef(BUCKET, "quoted")
        store.write(ref, b"one", "text/plain")
        cloud.obs.faults.add(Fault("error", method="GET", path="*/quoted", status=412, code="PreconditionFailed"))
        assert store.read(ref, Wanted(etag=store.head(ref).etag)) == b"one"

    def test_a_signed_url_opens_the_object_and_a_plain_one_does_not(self, cloud):
        store = clouds.store(cloud)
        ref = ObjectRef(BUCKET, "护照 a+b.png")
        store.write(ref, b"secret", "image/png")
        assert requests.get(store.signed_url(ref, 60), timeout=5).content == b"secret"
        assert requests.get(store.url(ref), timeout=5).status_code == 403

    def test_a_plain_url_is_the_vendors(self):
        address = obs.ObsEndpoint(obs.endpoint("ap-southeast-1"))
        store = obs.ObsStore(address, Credentials("a", "s", "t"))
        assert store.url(ObjectRef("in-b", "a b/护.png")) == (
            "https://in-b.obs.ap-southeast-1.myhuaweicloud.com/a%20b/%E6%8A%A4.png"
        )

    def test_tls_names_are_checked(self):
        store = obs.ObsStore(obs.ObsEndpoint(obs.endpoint("ap-southeast-1")), Credentials("a", "s", "t"))
        assert store._client.context.check_hostname
        assert store._client.context.verify_mode.name == "CERT_REQUIRED"

    def test_refused_keys_hold_the_document_and_are_not_quoted(self, cloud):
        store = clouds.store(cloud, access_key="CANARYKEY", secret_key="CANARYSECRET")
        with pytest.raises(HeldError) as caught:
            store.read(ObjectRef(BUCKET, "a"))
        assert caught.value.reason_code == "obs-denied"
        assert "CANARY" not in str(caught.value)

    def test_a_bucket_that_is_not_there_is_said(self, cloud):
        with pytest.raises(HeldError, match="NoSuchBucket"):
            clouds.store(cloud).read(ObjectRef("no-such-bucket", "a"))

    def test_a_fault_that_passes_is_outlasted_and_one_that_stays_is_retryable(self, cloud):
        store = clouds.store(cloud)
        ref = ObjectRef(BUCKET, "slow")
        store.write(ref, b"x", "text/plain")
        cloud.obs.faults.add(Fault("error", method="GET", path="*/slow", status=503, code="SlowDown", times=1))
        assert store.read(ref) == b"x"
        cloud.obs.faults.add(Fault("error", method="GET", path="*/slow", status=503, code="SlowDown", times=3))
        with pytest.raises(UnavailableError, match="503 SlowDown"):
            store.read(ref)

    def test_an_endpoint_that_is_not_there_is_retryable(self):
        address = obs.ObsEndpoint("http://127.0.0.1:9", "v2", path_style=True)
        with pytest.raises(UnavailableError, match="could not read"):
            obs.ObsStore(address, Credentials("a", "s", "t")).read(ObjectRef("in-b", "a"))

    def test_what_obs_refuses_for_another_reason_is_said(self, cloud):
        cloud.obs.faults.add(Fault("error", method="GET", path="*/odd", status=400, code="InvalidArgument", times=1))
        with pytest.raises(Exception, match="400 InvalidArgument"):
            clouds.store(cloud).read(ObjectRef(BUCKET, "odd"))

    def test_a_time_that_is_none_is_none(self):
        assert obs._time("yesterday") is None
        assert obs.listed_time("yesterday") is None

    @given(st.text(min_size=1, max_size=40).filter(lambda key: key.isprintable() and key.strip("./ ")))
    @settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_key_survives_the_wire(self, cloud, key):
        store, ref = clouds.store(cloud), ObjectRef(BUCKET, "k/" + key)
        store.write(ref, key.encode(), "text/plain")
        assert store.read(ref) == key.encode()


class TestList:
    def test_every_key_below_a_prefix_is_named_in_order_with_what_is_known_of_it(self, store):
        for key in (*KEYS, "other/x"):
            store.write(ObjectRef(BUCKET, f"listed/{key}"), b"hello", "text/plain")
        found = list(store.list(BUCKET, "listed/"))
        assert [item.key for item in found] == sorted((f"listed/{key}" for key in (*KEYS, "other/x")), key=str.encode)
        assert {(item.size, item.etag) for item in found} == {(5, hashlib.md5(b"hello").hexdigest())}
        assert [item.key for item in store.list(BUCKET, "listed/护照/")] == ["listed/护照/张三.json"]

    def test_the_time_is_that_of_the_object(self, store):
        ref = ObjectRef(BUCKET, "timed/a")
        store.write(ref, b"hello", "text/plain")
        (found,) = store.list(BUCKET, "timed/")
        assert found.modified_at == store.head(ref).modified_at.replace(microsecond=0)

    def test_a_list_that_is_no_xml_is_a_passing_fault(self, cloud):
        """A control character in a prefix comes back in the list as it is, which no parser of XML takes."""
        with pytest.raises(UnavailableError, match="cannot be read"):
            list(clouds.store(cloud).list(BUCKET, "\x02"))

    def test_nothing_below_a_prefix_is_an_empty_list(self, store):
        assert list(store.list(BUCKET, "nothing here/")) == []

    def test_more_than_one_call_gives_are_all_named(self, cloud):
        """Given calls that give three each: full ones, one that is not, and none behind the last full one."""
        store = clouds.store(cloud, listed=3)
        keys = [f"few/{number:04d} +%2F/a" for number in range(7)]
        for key in keys:
            store.write(ObjectRef(BUCKET, key), b"", "text/plain")
        assert [item.key for item in store.list(BUCKET, "few/")] == keys
        assert [item.key for item in store.list(BUCKET, "few/", keys[0])] == keys[1:]

    @pytest.mark.slow
    def test_more_than_obs_gives_in_one_call_are_all_named(self, store):
        keys = [f"many/{number:04d} +%2F/a" for number in range(1050)]
        for key in keys:
            store.write(ObjectRef(BUCKET, key), b"", "text/plain")
        assert [item.key for item in store.list(BUCKET, "many/")] == keys

    def test_a_list_may_begin_behind_a_key_whether_it_is_there_or_not(self, store):
        for key in ("behind/a", "behind/b +%2F", "behind/ü", "behind/张"):
            store.write(ObjectRef(BUCKET, key), b"", "text/plain")
        for after, rest in (("behind/b +%2F", 2), ("behind/b", 3), ("behind/ü", 1), ("behind/张", 0), ("a", 4)):
            assert len(list(store.list(BUCKET, "behind/", after))) == rest

    def test_a_signed_url_may_name_an_older_version(self, cloud):
        client = clouds.client(cloud)
        client.createBucket("versioned")
        client.setBucketVersioning("versioned", "Enabled")
        store, ref = clouds.store(cloud), ObjectRef("versioned", "a.txt")
        store.write(ref, b"older", "text/plain")
        older = store.head(ref).version_id
        store.write(ref, b"newer", "text/plain")
        url = store.signed_url(ref, 60, Shown("text/csv", version_id=older))
        opened = requests.get(url, timeout=10)
        assert (opened.content, opened.headers["Content-Type"]) == (b"older", "text/csv")

    def test_a_bucket_that_is_not_there_is_said_so(self, cloud):
        with pytest.raises(HeldError) as caught:
            list(clouds.store(cloud).list("no-such-bucket", ""))
        assert caught.value.reason_code == "bucket-gone"
