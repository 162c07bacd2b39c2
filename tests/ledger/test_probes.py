"""An unbilled call is noted where reconciliation finds it, and never fails because it could not be noted."""

from __future__ import annotations

from datetime import timedelta

from legible.errors import UnavailableError
from legible.ledger.probes import Probe, ProbeLog
from legible.model.documents import ObjectRef
from legible.ports import Site
from tests.support.fakes import START, MemoryStore, invocation
from tests.support.rig import IN, OUT, Logged

DAY = START.date()


def log_of(store: MemoryStore, logged: Logged | None = None) -> ProbeLog:
    return ProbeLog(Site(store, IN, OUT), invocation(store.clock, log=logged), "doctor")


def test_probes_are_found_by_their_days():
    store = MemoryStore()
    log_of(store).note("passport")
    store.clock.pause(24 * 3600)
    log_of(store).note("vin")
    found = list(log_of(store).made(DAY, DAY + timedelta(days=1)))
    assert found == [Probe(START, "passport", "doctor"), Probe(START + timedelta(days=1), "vin", "doctor")]
    assert [probe.operation for probe in log_of(store).made(DAY, DAY)] == ["passport"]


def test_what_something_else_wrote_is_passed_over():
    store = MemoryStore()
    log_of(store).note("passport")
    ref = ObjectRef(OUT, "reports/.probes/2026/11/23.jsonl")
    store.put(OUT, ref.key, b"spoilt\n" + store.objects[ref][0])
    assert [probe.operation for probe in log_of(store).made(DAY, DAY)] == ["passport"]


def test_one_that_cannot_be_noted_is_logged():
    store, logged = MemoryStore(), Logged()

    def fail(verb, ref):
        raise UnavailableError("503")

    store.fail = fail
    log_of(store, logged).note("passport")
    assert [line["event"] for line in logged.lines] == ["probe-not-noted"]
