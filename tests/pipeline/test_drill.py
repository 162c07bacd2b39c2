"""The drill of faults: hundreds of documents in one world, and every promise held in the end."""

from __future__ import annotations

import pytest

from tests.support.drill import Drill

# As with random worlds: the tests of each subject cover its lines.
pytestmark = pytest.mark.no_cover

BUCKETS = ["plain", "versioned", "encrypted"]


def drilled(seed, count, bucket):
    """Run a drill; return what was broken: promises, the sum of all ends, the secrecy of the log."""
    drill = Drill(seed, count, bucket=bucket)
    broken = drill.run()
    ends, documents = drill.outcome(), len(drill.whose)
    if sum(ends.values()) != documents or ends["running"] or ends["done"] <= documents / 2:
        broken.append(f"{documents} documents ended as {ends}")
    if "canary" in drill.rig.log.text():
        broken.append("the log tells a secret")
    return broken


@pytest.mark.parametrize("bucket", BUCKETS[:2])
def test_400_documents_with_every_fault_keep_every_promise(bucket):
    assert drilled(1, 400, bucket) == []


@pytest.mark.slow
@pytest.mark.parametrize("bucket", BUCKETS)
@pytest.mark.parametrize("seed", range(2, 5))
def test_thousands_of_documents_do_too(bucket, seed):
    assert drilled(seed, 2000, bucket) == []
