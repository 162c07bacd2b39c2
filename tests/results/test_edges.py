"""Results at their edges: the newer upload stays on top however late the older one ends, and the record comes last."""

from __future__ import annotations

from datetime import timedelta

import pytest

from legible.errors import UnavailableError
from legible.model.documents import ObjectRef, Upload
from tests.support.rig import IN, OUT, PASSPORT, Rig, picture

KEY = "passport/a.png"


def versions() -> tuple[Rig, Upload, Upload]:
    """Return a bucket that keeps versions, an older upload in it, and a newer one."""
    rig = Rig({**PASSPORT, "surname": "OLDER"}, {**PASSPORT, "surname": "NEWER"})
    rig.store.versioned.add(IN)
    uploads = []
    for color in (10, 200):
        ref = rig.store.put(IN, KEY, picture(60, 40 + color))
        head = rig.store.head(ref)
        uploads.append(Upload(ref, raw_key=KEY, etag=head.etag, version_id=head.version_id))
        rig.clock.pause(3600)
    return rig, *uploads


class TestTheNewerUploadStaysOnTop:
    @pytest.mark.parametrize("days", [0, 1, 2, 3, 30])
    def test_an_older_one_that_ends_days_later_never_takes_its_place(self, days):
        # given
        rig, older, newer = versions()
        rig.run(newer)
        assert rig.record(KEY)["document"]["version"] == "version-2"

        # when
        rig.clock.pause(timedelta(days=days).total_seconds())
        (outcome,) = rig.run(older)

        # then
        assert outcome["status"] == "done"
        assert rig.record(KEY)["document"]["version"] == "version-2"
        assert rig.store.json(OUT, f"answers/{KEY}/version-1/record.json")["status"] == "done", "nothing of it is lost"

    @pytest.mark.parametrize("days", [0, 1, 3])
    def test_a_newer_one_takes_the_place_of_an_older(self, days):
        rig, older, newer = versions()
        rig.run(older)
        rig.clock.pause(timedelta(days=days).total_seconds())
        rig.run(newer)
        assert rig.record(KEY)["document"]["version"] == "version-2"


class TestTheRecordComesLast:
    """Whoever finds the record finds the rest."""

    def rig(self) -> Rig:
        rig = Rig()
        rig.upload(KEY)
        return rig

    def test_it_is_copied_after_all_others(self):
        rig, copied = self.rig(), []
        rig.store.after = lambda verb, ref: copied.append(ref.key) if ref.key.startswith("results/") else None
        rig.run(Upload(ObjectRef(IN, KEY)))
        assert len(copied) > 1
        assert copied[-1] == f"results/{KEY}/record.json"
        assert copied.count(f"results/{KEY}/record.json") == 1

    def test_where_another_cannot_be_copied_there_is_no_record(self):
        rig = self.rig()

        def refuse(verb, ref):
            if verb == "write" and ref.key == f"results/{KEY}/record.xlsx":
                raise UnavailableError("503")

        rig.store.fail = refuse
        with pytest.raises(Exception, match="must be tried again"):
            rig.run(Upload(ObjectRef(IN, KEY)))
        assert not rig.has(f"results/{KEY}/record.json")

        rig.store.fail = lambda verb, ref: None
        rig.clock.pause(120)
        (outcome,) = rig.run(Upload(ObjectRef(IN, KEY)))
        assert (outcome["status"], rig.ocr.paid) == ("done", 1)
        assert rig.has(f"results/{KEY}/record.xlsx")
