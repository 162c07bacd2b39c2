"""OBS asked ahead: a glance is one request, what was read ahead is given out once, and never for too long."""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import obs as vendor
import pytest

from legible.errors import ObjectGoneError, ReplacedError, UnavailableError
from legible.huawei import glances, lean_obs
from legible.huawei.credentials import Credentials
from legible.huawei.foresight import ForesightStore
from legible.huawei.glances import Glances
from legible.huawei.obs import ObsEndpoint
from legible.model.documents import ObjectRef
from legible.ports import WHOLE, Foresight, Head, Wanted, glance, glanced, prefetch
from legible.wiring.instance import Instance, instance
from localcloud.cloud import LocalCloud
from localcloud.faults import Fault
from tests.support.fakes import MemoryStore

BUCKET = "legible-in"


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(functions={}, recognizer=lambda slug, image, options: {}) as running:
        yield running


@pytest.fixture
def store(cloud: LocalCloud) -> ForesightStore:
    key = cloud.keys.temporary()
    address = ObsEndpoint(cloud.obs_endpoint, "v2", path_style=True, region=cloud.region)
    return ForesightStore(address, Credentials(key.access, key.secret, key.token))


def unreachable(cloud: LocalCloud, key: str) -> None:
    """Have every further request for an object fail."""
    cloud.obs.faults.add(Fault("error", path=f"*/{key}", status=503, code="SlowDown", times=None))


class TestGlance:
    @pytest.mark.parametrize("size", [0, 1, 5000, 300_000])
    def test_tells_what_a_head_does(self, cloud, store, size):
        ref = ObjectRef(BUCKET, f"size-{size}")
        store.write(ref, b"x" * size, "image/png", {"legible-operation": "passport"})
        asked, told = store.head(ref), store.glance(ref)
        assert told.size == asked.size == size
        assert (told.etag, told.content_type, told.modified_at) == (asked.etag, asked.content_type, asked.modified_at)
        assert told.metadata["legible-operation"] == "passport"
        assert (told.md5, told.version_id) == (asked.md5, asked.version_id)

    def test_what_it_read_is_not_asked_for_again(self, cloud, store):
        ref = ObjectRef(BUCKET, "kept")
        store.write(ref, b"0123456789", "image/png")
        etag = store.glance(ref).etag
        unreachable(cloud, "kept")
        assert store.read(ref, Wanted("", etag, 2, 4)) == b"234"
        assert store.read(ref, Wanted("", etag, 2, 4000)) == b"23456789"
        for other in (Wanted("", "0" * 32, 2, 4), Wanted("", etag), Wanted("", etag, 3, 3), Wanted("v", etag, 2, 4)):
            with pytest.raises(UnavailableError):
                store.read(ref, other)

    def test_how_a_large_one_ends_is_read_beside_it(self, cloud, store):
        ref = ObjectRef(BUCKET, "large")
        body = bytes(range(256)) * 1200
        store.write(ref, body, "image/png")
        etag = store.head(ref).etag
        store.glance(ref, "", etag, len(body))
        time.sleep(0.5)
        unreachable(cloud, "large")
        assert store.read(ref, Wanted("", etag, len(body) - 4096, len(body) - 1)) == body[-4096:]
        with pytest.raises(UnavailableError):  # once
            store.read(ref, Wanted("", etag, len(body) - 4096, len(body) - 1))

    def test_one_that_is_not_there_is_gone(self, store):
        with pytest.raises(ObjectGoneError):
            store.glance(ObjectRef(BUCKET, "never"))

    def test_only_the_last_ones_are_kept(self, store):
        refs = [ObjectRef(BUCKET, f"one-{number}") for number in range(5)]
        for ref in refs:
            store.write(ref, b"x", "image/png")
            store.glance(ref)
        assert (store.glanced(refs[0]), store.glanced(refs[-1]) is None) == (None, False)

    def test_an_object_that_was_appended_to_has_no_md5(self, store):
        ref = ObjectRef(BUCKET, "appended")
        store.append(ref, 0, b"x")
        assert store.glance(ref).digested == store.head(ref).digested


class TestPrefetch:
    def test_what_was_read_ahead_is_as_it_was_then(self, store):
        ref = ObjectRef(BUCKET, "ahead")
        store.write(ref, b"then", "text/plain")
        store.prefetch(ref)
        time.sleep(0.3)
        store.write(ref, b"now", "text/plain")
        assert (store.read(ref), store.read(ref)) == (b"then", b"now")

    def test_so_is_an_error(self, store):
        ref = ObjectRef(BUCKET, "ahead-of-nothing")
        store.prefetch(ref)
        with pytest.raises(ObjectGoneError):
            store.read(ref)

    def test_another_etag_is_looked_at_again(self, store):
        ref = ObjectRef(BUCKET, "ahead-replaced")
        store.write(ref, b"one", "text/plain")
        wanted = Wanted("", "0" * 32, 0, 1)
        store.prefetch(ref, wanted)
        with pytest.raises(ReplacedError):
            store.read(ref, wanted)

    def test_what_is_too_old_is_asked_for_anew(self):
        kept = Glances()
        kept.begin(ObjectRef("b", "k"), WHOLE, lambda: b"old")
        begun, future = kept._begun[ObjectRef("b", "k"), WHOLE]
        kept._begun[ObjectRef("b", "k"), WHOLE] = begun - glances._FRESH_SECONDS, future
        assert kept.taken(ObjectRef("b", "k"), WHOLE) is None

    def test_a_range_that_is_open_goes_to_the_end(self):
        kept = Glances()
        kept.keep(ObjectRef("b", "k"), "", Head(3, "e"), b"abc")
        assert kept.taken(ObjectRef("b", "k"), Wanted("", "e", 1)) == b"bc"


class TestWithoutForesight:
    def test_a_store_that_has_none_is_asked_as_ever(self):
        store, ref = MemoryStore(), ObjectRef("b", "k")
        store.put("b", "k", b"x")
        prefetch(store, ref)
        assert not isinstance(store, Foresight)
        assert glance(store, ref, "", "", 1) == store.head(ref)
        assert glanced(store, ref) is None


class TestTheLeanSdk:
    def test_names_stand_in_only_before_the_sdk_is_loaded(self):
        loaded: dict[str, ModuleType] = {}
        lean_obs.stand_in(loaded)
        assert loaded.keys() == lean_obs.NOT_OURS.keys()
        assert loaded["obs.http"].Connection.__name__ == "Connection"
        late = {"obs": vendor}
        lean_obs.stand_in(late)
        assert late == {"obs": vendor}

    def test_what_stands_in_is_all_that_the_sdk_takes_from_there(self):
        folder = Path(vendor.__file__).parent
        for file in folder.glob("*.py"):
            if f"obs.{file.stem}" in lean_obs.NOT_OURS:
                continue
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module in lean_obs.NOT_OURS:
                    assert {name.name for name in node.names} <= set(lean_obs.NOT_OURS[node.module]), file.name


class TestInstance:
    def test_settings_are_read_again_only_if_something_changed(self, tmp_path):
        file, shared = tmp_path / "legible.toml", Instance()
        values = {"LEGIBLE_REGION": "cn-north-4", "LEGIBLE_INPUT_BUCKET": "in-b", "LEGIBLE_OUTPUT_BUCKET": "out-b"}
        file.write_text('default = "passport"\n', "utf-8")
        first = shared.settings(file, values.get)
        assert shared.settings(file, values.get) is first
        values["LEGIBLE_REGION"] = "ap-southeast-1"
        assert shared.settings(file, values.get).cloud.region == "ap-southeast-1"
        file.write_text('default = "general-text"\n', "utf-8")
        assert shared.settings(file, values.get).default == "general-text"
        assert shared.settings(None, values.get).default != "general-text"

    def test_there_is_one(self):
        assert instance() is instance()
