"""A document is asked to be forgotten over HTTP: that is noted, and audited by a digest; another function does it."""

from __future__ import annotations

import json

from legible.ledger.tombstones import Tombstones
from legible.model import layout
from tests.support.front import problem
from tests.support.rig import OUT, picture

KEY = "passport/anna.png"


def test_it_is_noted_with_who_asked_and_why(front):
    path = front.document(KEY)
    reply = front.ask("POST", f"{path}/forget", {"reason": "case 12"})
    assert (reply.status, json.loads(reply.body)["status"]) == (202, "forgetting")
    noted = Tombstones(front.rig.site).pending(KEY)
    assert noted is not None
    assert (noted.key, noted.reason, noted.by) == (KEY, "case 12", "http")


def test_it_is_audited_by_a_digest(front):
    path = front.document(KEY)
    front.ask("POST", f"{path}/forget", {})
    (name,) = front.rig.store.keys(OUT, layout.AUDIT_PENDING)
    event = front.rig.store.json(OUT, name)
    assert (event["name"], event["resource_name"]) == ("forgetDocument", Tombstones(front.rig.site).digest(KEY))
    assert KEY not in json.dumps(event)


def test_one_that_is_being_read_is_refused_with_the_time(front):
    path, replies = front.document(KEY), []
    front.rig.ocr.during = lambda: replies.append(front.ask("POST", f"{path}/forget", {}))
    front.rig.run(front.rig.upload(KEY, picture(99)))
    assert problem(replies[0]) == (409, "busy")
    assert Tombstones(front.rig.site).pending(KEY) is None


def test_what_nobody_knows_cannot_be_forgotten(front):
    assert front.ask("POST", "/v1/documents/cGFzc3BvcnQveC5wbmc/forget", {}).status == 404
