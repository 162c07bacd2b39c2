"""The drill of faults: hundreds of documents in one world, and every promise held in the end."""

from __future__ import annotations

import pytest

from tests.support.drill import Drill

BUCKETS = ["plain", "versioned", "encrypted"]


def drilled(seed, count, bucket):
    drill = Drill(seed, count, bucket=bucket)
    assert drill.run() == [], f"Drill({seed}, {count}, bucket={bucket!r})"

    # the sum: every document that was uploaded has an end, and most are done
    ends = drill.outcome()
    assert sum(ends.values()) == len(drill.whose)
    assert ends["running"] == 0
    assert ends["done"] > len(drill.whose) / 2
    assert "canary" not in drill.rig.log.text()


@pytest.mark.parametrize("bucket", BUCKETS[:2])
def test_400_documents_with_every_fault_keep_every_promise(bucket):
    drilled(1, 400, bucket)


@pytest.mark.slow
@pytest.mark.parametrize("bucket", BUCKETS)
@pytest.mark.parametrize("seed", range(2, 5))
def test_thousands_of_documents_do_too(bucket, seed):
    drilled(seed, 2000, bucket)
