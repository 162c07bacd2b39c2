"""The workflow of infra/workflows over real HTTP: each step in an instance of its own, several of them side by side."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from localcloud.cloud import INPUT_BUCKET, OUTPUT_BUCKET, LocalCloud
from localcloud.faults import Fault
from localcloud.functiongraph import load as functions_of
from localcloud.functiongraph.flows import Execution, FlowRunner, load
from localcloud.functiongraph.flows.definition import State
from tests.support import clouds
from tests.support.clouds import journal, paid, record, upload
from tests.support.places import ROOT
from tests.support.rig import PASSPORT, TEXT, pdf, picture

FLOW = load(ROOT / "infra" / "workflows" / "document.json")
KEY = "general-text/twelve.pdf"
EVENT = {"bucket": INPUT_BUCKET, "key": KEY}
PAGES = list(range(1, 13))


@pytest.fixture
def start() -> Iterator[Callable[..., LocalCloud]]:
    """Start a local cloud whose uploads call nobody: flows are started by hand."""
    running: list[LocalCloud] = []

    def started(seconds: float = 30, answer: Any = TEXT, latency: float = 0.2) -> LocalCloud:
        def recognize(*_: Any) -> Any:
            time.sleep(latency)
            return answer

        listed = functions_of(ROOT / "serverless.yml")
        functions = {key: replace(found, timeout=seconds, triggers=()) for key, found in listed.items()}
        running.append(LocalCloud(functions=functions, recognizer=recognize, max_instances=4))
        return running[-1]

    yield started
    for cloud in running:
        cloud.stop()


def run(cloud: LocalCloud, event: Any = EVENT, attempts: int = 8, unaided: str = "") -> Execution:
    """Run the flow; a failed step is tried again so often, a moment later, but for the state ``unaided``."""
    flow = structs.replace(
        FLOW,
        retries=(structs.replace(FLOW.retries[0], max_attempts=attempts),),
        states=tuple(_unaided(state) if state.id == unaided else state for state in FLOW.states),
    )
    return FlowRunner(cloud.functions, lambda seconds: time.sleep(0.2)).run(flow, event)


def _unaided(state: State) -> State:
    return structs.replace(state, on_errors=tuple(structs.replace(one, retry_ref="") for one in state.on_errors))


def warm(cloud: LocalCloud) -> None:
    """Have instances started, so that what a fault strikes is their work."""
    with ThreadPoolExecutor(4) as together:
        event = {"bucket": INPUT_BUCKET, "key": "folder/", "share": 1, "shares": 1}
        list(together.map(lambda _: cloud.functions.invoke("recognize_pages", event), range(4)))


def called(cloud: LocalCloud) -> Counter[int]:
    return Counter(line["page"] for line in journal(cloud, KEY) if line["event"] == "calling")


def test_twelve_pages_in_four_shares_become_one_record(start):
    # given
    cloud = start()
    upload(cloud, KEY, pdf(12))

    # when
    execution = run(cloud)

    # then
    assert execution.ok
    assert execution.output["status"] == "done"
    assert execution.output["record"] == {"bucket": OUTPUT_BUCKET, "key": f"results/{KEY}/record.json"}
    assert [step.function for step in execution.steps] == ["split", *["recognize_pages"] * 4, "recognize"]
    assert record(cloud, KEY)["calls"] == {"answered": 12, "unknown": 0, "surplus": 0}
    assert [page["page"] for page in record(cloud, KEY)["pages"] if page["state"] == "done"] == PAGES
    assert (paid(cloud), called(cloud)) == (12, Counter(PAGES))
    claims = [line for line in journal(cloud, KEY) if line["event"] == "claimed"]
    assert sorted(line["share"]["number"] for line in claims if "share" in line) == [1, 2, 3, 4]
    assert len(claims) == 5


@pytest.mark.parametrize(
    "unaided",
    [
        pytest.param("", id="tried again"),
        pytest.param("pages", id="left to the last step", marks=pytest.mark.slow),
    ],
)
def test_a_branch_whose_instance_is_killed_loses_nothing(start, unaided):
    # given one share's instance that dies when its first call was paid for and not answered
    cloud = start(seconds=12)
    upload(cloud, KEY, pdf(12))
    cloud.ocr.faults.add(Fault("kill-after", method="POST", path="general-text"))

    # when
    execution = run(cloud, unaided=unaided)

    # then whoever comes next waits for the lease of the dead one, and what may have been paid is on the record
    calls = record(cloud, KEY)["calls"]
    outcomes = Counter((step.function, step.outcome) for step in execution.steps)
    assert outcomes["recognize_pages", "exit"] == 1
    assert outcomes["recognize_pages", "success"] == (3 if unaided else 4)
    assert (execution.output["status"], calls["answered"], calls["surplus"]) == ("done", 12, 0)
    assert calls["unknown"] >= 1
    assert 12 < paid(cloud) <= sum(called(cloud).values()) == 12 + calls["unknown"]


def test_what_fails_for_good_ends_as_its_pages_say(start):
    # given one share, and the last step, that die whenever they are called
    cloud = start()
    upload(cloud, KEY, pdf(12))
    warm(cloud)
    cloud.functions.faults.add(
        Fault("kill", method="run", path="recognize_pages", after=3, times=None),
        Fault("kill", method="run", path="recognize", times=None),
    )

    # when
    execution = run(cloud, attempts=1)

    # then the error branch gave it up: what was paid for is there
    assert execution.ok
    assert [step.state for step in execution.steps][-3:] == ["finish", "finish", "give-up"]
    assert (execution.output["status"], execution.output["reason"]["code"]) == ("partial", "flow-gave-up")
    assert record(cloud, KEY)["status"] == "partial"
    assert execution.output["pages"] == paid(cloud) == 9


def test_flows_of_one_document_at_once_pay_once(start):
    # given
    cloud = start()
    upload(cloud, KEY, pdf(12))

    # when
    with ThreadPoolExecutor(3) as together:
        executions = list(together.map(lambda _: run(cloud, attempts=60), range(3)))

    # then
    assert [execution.output["status"] for execution in executions] == ["done"] * 3
    assert record(cloud, KEY)["calls"] == {"answered": 12, "unknown": 0, "surplus": 0}
    assert (paid(cloud), called(cloud)) == (12, Counter(PAGES))


def test_an_obs_that_lets_simultaneous_appends_both_through_costs_nothing_twice(start):
    # given shares whose appends meet all the time, and of two that meet only the last one stands (OBS FAQ obs_faq_0165)
    cloud = start()
    upload(cloud, KEY, pdf(12))
    cloud.obs.race(0.05)

    # when
    execution = run(cloud, attempts=60)
    cloud.obs.race(0)

    # then every paid call is in the journal, once; a call whose outcome was overwritten may have been paid, or not
    calls = record(cloud, KEY)["calls"]
    assert (execution.output["status"], calls["answered"]) == ("done", 12)
    assert 12 + calls["surplus"] <= paid(cloud) <= 12 + calls["surplus"] + calls["unknown"]


def test_one_step_alone_serves_anybodys_flow(start):
    # given
    cloud = start(answer=PASSPORT)
    upload(cloud, "inbox/anna.png", picture())
    order = {"operation": "passport", "options": {"country_code": "GBR"}}

    # when
    outcome = cloud.functions.invoke("recognize", {"bucket": INPUT_BUCKET, "key": "inbox/anna.png", **order})
    wrong = cloud.functions.invoke("recognize", {"bucket": INPUT_BUCKET, "key": "inbox/nobody.png", **order})

    # then
    found = outcome.result
    assert (found["status"], found["operation"]) == ("done", "passport")
    assert clouds.record(cloud, "inbox/anna.png")["fields"]
    assert (wrong.ok, wrong.result["status"], wrong.result["reason"]["code"]) == (True, "rejected", "object-gone")
