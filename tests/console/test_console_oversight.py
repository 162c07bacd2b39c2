"""The view of operations, in a real browser: what was used, what it cost, what is left, and who did what."""

from __future__ import annotations

from typing import Any

import pytest

from tests.console.conftest import Browser
from tests.console.fake_api import FakeApi, Refused
from tests.console.fake_oversight import DAYS, Account
from tests.console.test_console_browser import ENTER, PAYLOADS, TAB

VIEW, SHOWN = f"#/operations?days={DAYS}", "section[aria-labelledby=part-usage] .ranks li"
PARTS = ("sum", "usage", "cost", "packages", "subscriptions", "reconciliation", "audit")


def numbers(browser: Browser, selector: str) -> list[int]:
    """Return the numbers of all elements of a selector."""
    texts = browser.js("return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)", selector)
    return [int(text.replace(",", "")) for text in texts]


def part(browser: Browser, name: str, text: str = "") -> str:
    """Wait until a section says something; return what it says."""
    return browser.read(f"section[aria-labelledby=part-{name}]", text)


def test_the_sum_is_its_parts_and_says_what_is_beside_it(browser: Browser):
    browser.open(VIEW, SHOWN)
    whole, *parts = numbers(browser, ".equation dd")
    assert len(parts) == 6 and whole == sum(parts) > 0
    said = part(browser, "sum")
    assert "As of" in said and "12 objects of the input bucket are no documents" in said


def test_four_hundred_days_of_all_operations_stay_readable(browser: Browser, api: FakeApi):
    """Given more days and operations than there is room for: weeks, the first ten, and the others as one."""
    browser.open(VIEW, SHOWN)
    columns = len(browser.all("section[aria-labelledby=part-usage] svg.bars g"))
    assert 2 * 30 < columns <= 2 * 62
    ranks = browser.js("return [...document.querySelectorAll('.ranks')].map((one) => one.children.length)")
    assert max(ranks) == 11
    others = len(api.account.operations) - 10
    assert browser.read(".ranks li", f"Others ({others})")
    wide = browser.js("""return [...document.querySelectorAll('.rank rect')].every((one) =>
        Number(one.getAttribute('x')) + Number(one.getAttribute('width')) <= 100.001)""")
    assert wide
    assert "Port Ellery office" in browser.read(".chart", "Cost by enterprise project")
    browser.click("section[aria-labelledby=part-usage] figure:nth-of-type(1) summary")
    browser.see(".numbers th", "Time")


def test_days_are_put_together_by_weeks_and_nothing_is_lost(browser: Browser):
    browser.open(VIEW, SHOWN)
    each, columns, total, first = browser.module("""
        const { spans, filled } = await load("figures.js");
        const { each, columns } = spans("2025-10-28", "2026-12-01");
        const rows = [];
        for (let at = Date.UTC(2025, 9, 28); at <= Date.UTC(2026, 11, 1); at += 86400000)
          rows.push({ name: new Date(at).toISOString().slice(0, 10) });
        const full = filled(columns, rows, () => ({ calls: 1 }));
        return [each, full.length, full.reduce((sum, one) => sum + one.values.calls, 0), full[0].values.calls];""")
    assert (each, columns, total, first) == (7, 58, 400, 1)
    assert (
        browser.module("""const { spans } = await load("figures.js");
        return spans("2026-11-01", "2026-11-30").columns.length""")
        == 30
    )


def test_what_is_refused_says_so_in_its_section_and_takes_no_other_along(browser: Browser, api: FakeApi):
    api.shut["reconciliation"] = Refused(
        409, "not-permitted", "Conflict", "Cloud Eye refuses.", "Grant ces:metrics:list."
    )
    api.shut["packages"] = Refused(503, "unavailable", "Service Unavailable", "OBS answered 503.")
    browser.open(VIEW, SHOWN)
    assert "Grant ces:metrics:list." in part(browser, "reconciliation", "Cloud Eye refuses.")
    part(browser, "packages", "OBS answered 503.")
    browser.see(".events .badge")
    api.shut.clear()
    browser.click("section[aria-labelledby=part-packages] button", "Try again")
    part(browser, "packages", "812 of 10,000 calls left")


def test_a_cause_is_run_again_after_its_price_was_seen(browser: Browser, api: FakeApi):
    browser.open(VIEW, ".causes")
    assert "3 journals changed since" in part(browser, "undone", "41 calls · USD 0.492")
    browser.click(".causes tr:nth-child(1) button", "Run again")
    browser.read(".causes", "41 documents: 41 calls · USD 0.492.")
    browser.click(".causes tr:nth-child(1) button.quiet", "Cancel")
    assert api.account.redriven == []
    browser.click(".causes tr:nth-child(1) button", "Run again")
    browser.click(".causes tr:nth-child(1) button", "Run these again")
    browser.read(".causes tr:nth-child(1)", "image-refused")
    assert api.account.redriven == ["throttled"]


def test_why_a_cause_cannot_be_run_again_stands_beside_it(browser: Browser, api: FakeApi):
    browser.open(VIEW, ".causes")
    api.shut["redrives"] = Refused(503, "unavailable", "Service Unavailable", "OBS answered 503.")
    browser.click(".causes tr:nth-child(1) button", "Run again")
    browser.read(".causes .refusal", "OBS answered 503.")
    assert api.account.redriven == []


def test_who_sees_only_their_own_documents_is_told_who_sees_the_rest(browser: Browser, api: FakeApi):
    for name in ("status", "usage", "accounts", "packages", "subscriptions", "reconciliation"):
        api.shut[name] = Refused(403, "whole-account", "Forbidden", "This is of the whole account.")
    browser.open(VIEW, ".refusal")
    for name in PARTS[:-1]:
        assert "your application sees its own documents only" in part(browser, name, "Not allowed")
    browser.see(".events .badge")


def test_where_nothing_was_counted_each_section_says_what_that_means(browser: Browser, api: FakeApi):
    api.account = Account()
    browser.open("#/operations", ".empty")
    said = {"undone": "Every document that ended is done", "usage": "No calls", "cost": "Nothing to pay",
            "packages": "No package is named", "audit": "No events",
            "subscriptions": "No operation is in use", "reconciliation": "Nothing to compare"}  # fmt: skip
    for name, text in said.items():
        part(browser, name, text)
    assert browser.complaints() == []


def test_differences_name_hour_direction_and_cause(browser: Browser):
    browser.open(VIEW, ".differences")
    rows = browser.js("return [...document.querySelectorAll('.differences tbody tr')].map((one) => one.innerText)")
    assert "passport" in rows[0] and "Cloud Eye counted more: 1 not explained" in rows[0]
    assert ["no answer came" in rows[1], "doctor or health" in rows[2], "other programs" in rows[4]] == [True] * 3


def test_subscriptions_are_asked_for_only_by_whoever_wants_to_know(browser: Browser, api: FakeApi):
    api.account.operations = ("passport", "id-card")
    browser.open(VIEW, SHOWN)
    browser.see(".check-entry", "Documents are held for it")
    assert len(browser.all(".check-entry.is-not-asked")) == 2
    browser.click("button", "Ask for all of them (2)")
    browser.see(".check-entry.is-subscribed", "folder passport/")
    assert "ocr:idCard:subscribeAllUsers" in browser.read(".check-entry.is-not-subscribed", "has not subscribed")
    asked = [path for _, path in api.requests if "/subscriptions" in path]
    assert asked == ["/v1/subscriptions"] + [f"/v1/subscriptions?operation={name}" for name in ("id-card", "passport")]


def test_the_trail_is_searched_by_keyboard_and_shown_in_parts(browser: Browser, api: FakeApi):
    browser.open(VIEW, ".events .badge")
    rows = ".events tbody tr"
    assert len(browser.all(rows)) == 20
    browser.click(".pager button", "Show more")
    browser.wait(lambda: len(browser.all(rows)) == 40, "the next part")
    browser.js("document.getElementById('audit-operator').focus()")
    browser.press(*"mei", ENTER)
    browser.wait(lambda: 0 < len(browser.all(rows)) < 10, "only those of one operator")
    assert "operator=mei" in api.requests[-1][1]
    browser.js("document.getElementById('audit-sought').value = 'callOcr'")
    browser.js("document.getElementById('audit-since').value = '2026-01-31'")
    browser.js("document.getElementById('audit-until').value = '2026-02-28'")
    browser.press(ENTER)
    part(browser, "audit", "No events")
    asked = api.requests[-1][1]
    assert "name=callOcr" in asked
    assert "since=2026-01-31T00%3A00%3A00Z" in asked and "until=2026-03-01T00%3A00%3A00.000Z" in asked


def test_the_period_is_chosen_by_keyboard_and_its_address_says_which(browser: Browser, api: FakeApi):
    browser.open("#/operations", SHOWN)
    browser.js("document.querySelector('h1').focus()")
    browser.press(TAB, "Last 90")
    browser.wait(lambda: "days=90" in browser.driver.current_url, "the address")
    browser.see(SHOWN)
    assert len([path for _, path in api.requests if path.startswith("/v1/usage")]) == 2


#: What the API remarks, and a part of how the Chinese page says it.
REMARKS = {
    "Cloud Eye keeps these points for 155 days: compared from 2026-07-01 00:00.": "云监控只保留这些数据 155 天",
    "Cloud Eye keeps these points for 155 days: nothing before 2026-07-01 00:00 can be compared.": "之前的无法核对",
    "Not compared from 2026-12-01 10:00 on: data may be late.": "2026-12-01 10:00 起未对比：数据可能尚未到齐",
    "Not compared from 2026-12-01 10:00 on: journals wait to be counted.": "还有日志等待统计",
    "No prices are set, among others for id-card, passport: what they cost each project is not known "
    "([[prices.list]]).": "id-card, passport 未设置价格",
    "No price is set for passport: their cost is not known ([[prices.list]]).": "passport 未设置价格",
}


def test_remarks_of_a_known_form_are_in_the_pages_language_and_others_are_marked_as_english(
    browser: Browser, api: FakeApi
):
    api.account.notes = [*REMARKS, "Something else that is only in English."]
    browser.open(VIEW, SHOWN)
    for text in REMARKS:
        assert "No price" in text or text in part(browser, "reconciliation", text)
    browser.click(".tongues button", "中文")
    browser.see(SHOWN)
    for text in REMARKS.values():
        part(browser, "reconciliation", text)
    assert "Something else" in browser.read("section[aria-labelledby=part-reconciliation] li[lang=en]")
    assert "文件夹 passport/" in part(browser, "subscriptions", "文件夹")


def test_where_neither_side_counted_a_call_it_is_not_said_that_they_agree(browser: Browser, api: FakeApi):
    api.account = Account()
    browser.open("#/operations", ".empty")
    assert "By neither side did a call succeed" in part(browser, "reconciliation", "Nothing to compare")


def hostile(event: dict[str, Any], text: str) -> dict[str, Any]:
    """Return an event that says a text wherever it can."""
    names = ("name", "service", "operator", "status", "resource_name", "resource_type")
    return event | dict.fromkeys(names, text) | {"details": {text: text}}


@pytest.mark.parametrize("language", ["English", "中文"])
def test_nothing_hostile_of_the_account_becomes_anything_but_text(browser: Browser, api: FakeApi, language: str):
    """Given payloads as names of operations, projects and packages, in remarks, differences and events."""
    account, text = api.account, PAYLOADS[1]
    account.operations = tuple(PAYLOADS)
    account.notes, account.warnings = list(PAYLOADS), list(PAYLOADS)
    account.packages[0]["name"] = text
    account.differences[0] |= {"operation": text, "causes": [{"cause": text, "count": 1}]}
    account.events = [hostile(one, payload) for one, payload in zip(account.events, PAYLOADS, strict=False)]
    browser.open(VIEW, SHOWN)
    browser.click(".tongues button", language)
    browser.see(SHOWN)
    browser.see(".differences")
    browser.see(".events .badge")
    browser.js("for (const one of document.querySelectorAll('details')) one.open = true")
    assert browser.js("return fired") == [] and browser.complaints() == []
    assert browser.all("main img, main script, main iframe, main style") == []
    assert text in browser.text()
