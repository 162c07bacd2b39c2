"""The timer of the reports, through real HTTP: calls are counted, and the month's workbook says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO

import openpyxl
import pytest

from functions import on_report, on_upload
from legible.errors import UnavailableError
from legible.model import layout
from legible.model.documents import ObjectRef
from legible.ports import utc_now
from localcloud.cloud import OUTPUT_BUCKET, LocalCloud
from localcloud.faults import Fault
from tests.support import clouds
from tests.support.rig import PASSPORT, picture


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(functions={}, recognizer=lambda slug, image, options: PASSPORT) as running:
        clouds.upload(running, "passport/anna.png", picture())
        on_upload.handler(clouds.event("passport/anna.png"), clouds.context(running))
        clouds.due_now(running)
        yield running


def sheet(cloud, name):
    key = layout.usage_workbook(utc_now().date())
    book = openpyxl.load_workbook(BytesIO(clouds.store(cloud).read(ObjectRef(OUTPUT_BUCKET, key))))
    return [[cell.value for cell in row] for row in book[name].iter_rows()]


def test_calls_are_counted_days_summed_up_and_the_workbook_is_written_once_a_day(cloud):
    first = on_report.handler({"trigger_type": "TIMER"}, clouds.context(cloud))
    assert first["changes"] == {"journals": 1, "left": 0}
    assert len(first["days"]["summed_up"]) == 1
    assert sheet(cloud, "By operation")[1][:4] == ["passport", 1, 1, 0]
    assert sheet(cloud, "By route")[1][0] == "passport/*"
    again = on_report.handler({"trigger_type": "TIMER"}, clouds.context(cloud))
    assert json.loads(json.dumps(again)) == {
        "changes": {"journals": 0, "left": 0}, "days": {"summed_up": []}, "workbooks": {"written": []}
    }  # fmt: skip


def test_what_fails_holds_up_nothing_else_and_is_named(cloud):
    broken = Fault("error", "PUT", f"{OUTPUT_BUCKET}/reports/2*", None, status=503, code="ServiceUnavailable")
    cloud.obs.faults.add(broken)
    with pytest.raises(UnavailableError):
        on_report.handler({"trigger_type": "TIMER"}, clouds.context(cloud))
    assert list(clouds.store(cloud).list(OUTPUT_BUCKET, layout.CHANGES)) == []
