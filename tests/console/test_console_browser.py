"""What people do with the console, done in a real browser against the API's contract."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from PIL import Image

from tests.console.conftest import Browser
from tests.console.fake_api import (
    FakeApi,
    Refused,
    Stored,
    a_blank,
    a_check,
    a_field,
    a_reason,
    a_record,
    an_invoice,
    encoded,
    png,
)
from tests.support import tools
from tests.support.places import ANSWERS

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
INVOICE = encoded("invoices/2026-03/harbor-lane.png")
LETTER = encoded("contracts/lease-port-ellery.pdf")
REJECTED = encoded("passport/tiny.png")
HELD = encoded("id-card/card-0031.jpg")
RUNNING = encoded("invoices/2026-03/pallets-scan.pdf")
LARGE = encoded("archive/large-record.png")
VIEWS = {
    "documents": "#/documents",
    "document": f"#/documents/{INVOICE}",
    "pages": f"#/documents/{LETTER}?page=2",
    "rejected": f"#/documents/{REJECTED}",
    "running": f"#/documents/{RUNNING}",
    "try": "#/try?operation=vat-invoice",
    "operations": "#/operations?days=400",
    "health": "#/health",
    "lost": "#/nowhere",
}
#: Where the view has what it is about, not only its heading.
READY = {
    "documents": ".list a",
    "document": ".items .pick",
    "pages": ".turner .reason",
    "rejected": ".reason",
    "running": "progress",
    "try": "[role=tabpanel] pre",
    "operations": "section[aria-labelledby=part-usage] .ranks li",
    "health": ".check-entry",
    "lost": ".empty",
}
ENTER, ESCAPE, TAB, CONTROL = "\ue007", "\ue00c", "\ue004", "\ue009"

DROP = """
const [name, size, type] = arguments;
const data = new DataTransfer();
data.items.add(new File([new Uint8Array(size).fill(65)], name, { type }));
const target = document.querySelector("main");
for (const kind of ["dragenter", "dragover", "drop"])
  target.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
"""


# --- documents ---


def test_a_dropped_file_is_uploaded_and_watched_until_it_is_finished(browser: Browser, api: FakeApi):
    """Given the list, when a file is dropped with an operation chosen, then it is sent, followed, and in the list."""
    browser.open()
    browser.see("#upload-operation")
    browser.js(
        "const s = document.getElementById('upload-operation'); s.value = 'vat-invoice';"
        "s.dispatchEvent(new Event('change', { bubbles: true }))"
    )
    browser.js("document.querySelector('.uploader details').open = true")
    browser.click("#upload-advanced_mode")
    browser.js(DROP, "market-street.png", 300_000, "image/png")
    browser.see(".upload", "market-street.png")
    browser.see(".upload .badge", "running")
    browser.see(".upload .badge", "done")
    assert (
        browser.see(".upload a")
        .get_attribute("href")
        .endswith(f"#/documents/{encoded('vat-invoice/market-street.png')}")
    )
    browser.see(".list a", "market-street.png")
    stored = api.documents[encoded("vat-invoice/market-street.png")]
    assert stored.size == 300_000
    assert api.options[stored.id] == {"advanced_mode": True}
    assert browser.complaints() == []


def test_several_files_are_uploaded_and_one_that_fails_says_why_and_is_tried_again(browser: Browser, api: FakeApi):
    browser.open(ready=".list a")
    api.broken = Refused(413, "too-large", "Too large", "The file has 91 MB.", "Send at most 50 MB.")
    browser.js(DROP, "huge.pdf", 10, "application/pdf")
    told = browser.read(".upload .trouble", "Too large")
    assert "The file has 91 MB." in told and "Send at most 50 MB." in told
    api.broken = None
    browser.click(".upload button", "Try again")
    browser.see(".upload .badge", "done")
    assert browser.all(".upload .trouble") == []


def test_what_no_route_takes_is_tried_again_with_the_operation_that_was_chosen_then(browser: Browser, api: FakeApi):
    api.routes = False
    browser.open(ready=".list a")
    browser.js(DROP, "scan.png", 10, "image/png")
    told = browser.read(".upload .trouble", "Choose an operation under “Read as”")
    assert "Not accepted" in told and "Unprocessable" not in told
    browser.js("document.getElementById('upload-operation').value = 'passport'")
    browser.click(".upload button", "Try again")
    browser.see(".upload .badge", "done")
    assert encoded("passport/scan.png") in api.documents


def test_many_files_are_counted_and_leave_the_list_in_sight(browser: Browser):
    browser.open(ready=".list a")
    browser.js("XMLHttpRequest.prototype.send = () => null")
    browser.js("""const data = new DataTransfer();
        for (let number = 1; number <= 40; number += 1) data.items.add(new File(["a"], `scan-${number}.png`));
        const given = { dataTransfer: data, bubbles: true, cancelable: true };
        document.querySelector("main").dispatchEvent(new DragEvent("drop", given));""")
    browser.see("h2", "0 of 40 finished")
    assert browser.read(".upload").startswith("scan-1.png"), "what is sent first stands first"
    assert browser.js("return document.querySelector('.filters').getBoundingClientRect().top") < 900


def test_an_empty_file_is_told_to_be_empty(browser: Browser, api: FakeApi):
    browser.open(ready=".list a")
    browser.js(DROP, "empty.pdf", 0, "application/pdf")
    browser.see(".upload .trouble", "The file is empty.")
    assert [path for method, path in api.requests if method == "POST"] == []


def test_a_page_that_still_sends_asks_before_it_is_left(browser: Browser):
    leave = "const e = new Event('beforeunload', { cancelable: true }); dispatchEvent(e); return e.defaultPrevented"
    browser.open(ready=".list a")
    assert browser.js(leave) is False
    browser.js("XMLHttpRequest.prototype.send = () => null")
    browser.js(DROP, "slow.png", 10, "image/png")
    browser.see(".upload progress")
    assert browser.js(leave) is True


def test_an_upload_whose_answer_was_lost_is_found_and_not_sent_again(browser: Browser, api: FakeApi):
    browser.open(ready=".list a")
    api.lost = 1
    browser.js(DROP, "once.png", 10, "image/png")
    browser.see(".upload .trouble")
    browser.click(".upload button", "Try again")
    browser.see(".upload .badge", "done")
    assert [path for method, path in api.requests if method == "POST"] == ["/v1/uploads"]


def test_the_list_follows_what_runs_and_rests_in_a_hidden_tab(browser: Browser, api: FakeApi):
    browser.open("#/documents?prefix=invoices/2026-03/", ready=".badge.is-running")
    browser.js("Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })")
    time.sleep(0.3)
    before = len(api.requests)
    time.sleep(2.4)
    assert len(api.requests) == before, "a hidden tab asks for nothing"
    api.documents[RUNNING].status = "done"
    browser.js("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    browser.wait(lambda: not browser.all(".list .is-running"), "the document is done", 4)


@pytest.mark.slow
def test_the_list_tells_of_what_comes_by_other_ways(browser: Browser, api: FakeApi):
    """Given a list in which nothing runs, when a document lands in the bucket, then list, chart and times follow."""
    api.fill([an_invoice("invoices/first.png", uploaded_at=datetime.now(timezone.utc) - timedelta(seconds=5))])
    browser.open(ready=".chart-total")
    before = browser.read(".list time")
    browser.wait(lambda: browser.read(".list time") != before, "its age is told anew")
    api.documents[encoded("invoices/second.png")] = an_invoice("invoices/second.png")
    browser.see(".list a", "second.png")
    browser.see(".chart-total", "2 documents")


@pytest.mark.slow
def test_a_list_of_one_status_in_which_nothing_runs_is_not_asked_for_again(browser: Browser, api: FakeApi):
    """What is looked through for it may be hundreds of documents, for a page that somebody left open."""
    browser.open("#/documents?status=held", ready=".chart")
    browser.see(".list a")
    before = len(api.requests)
    time.sleep(2.6)
    assert len(api.requests) == before


def test_a_fault_that_passes_takes_no_list_away(browser: Browser, api: FakeApi):
    browser.open(ready=".list a")
    api.broken = Refused(503, "unavailable", "Service Unavailable", "OBS answered 503.")
    browser.click(".filters button", "Refresh")
    browser.see(".trouble", "Not available at the moment")
    browser.see(".list a")
    api.broken = None
    browser.wait(lambda: browser.all(".trouble") == [], "it went on by itself")


def test_what_was_asked_for_before_does_not_stand_for_what_could_not_be_had(browser: Browser, api: FakeApi):
    browser.open(ready=".list a")
    api.broken = Refused(503, "unavailable", "Service Unavailable", "OBS answered 503.")
    browser.js("const s = document.getElementById('status'); s.value = 'held'; s.dispatchEvent(new Event('change'))")
    browser.see(".trouble")
    assert browser.all(".list a") == []


def test_an_end_of_the_list_that_is_none_is_not_told_as_one(browser: Browser, api: FakeApi):
    api.most_looked = 2
    browser.open("#/documents?status=held", ready=".empty")
    assert "No document matches" not in browser.text()
    for _ in range(2):
        browser.click(".pager button", "Older")
    browser.see(".list a", "card-0031.jpg")


def test_names_are_told_as_they_are(browser: Browser, api: FakeApi):
    """Given a name with letters turned around, one of a blank, and an upload of no known time, none is shown wrong."""
    api.fill([Stored(f"inbox/{name}", "done", uploaded_at=None) for name in ("\u202egnp.exe", " ")])
    browser.open(ready=".list a")
    browser.see(".list a", "[U+202E]gnp.exe")
    browser.see(".list a", '" "')
    assert "1970" not in browser.text()
    browser.click(".list a", "gnp.exe")
    browser.see("h1", "[U+202E]gnp.exe")
    assert "1970" not in browser.text()


def test_the_list_is_narrowed_and_turned_and_its_address_says_how(browser: Browser):
    browser.open(ready=".list a")
    assert len(browser.all(".list tbody tr")) == 50
    browser.click(".pager button", "Older")
    browser.wait(lambda: len(browser.all(".list tbody tr")) == 21, "the second page")
    browser.click(".pager button", "Newer")
    browser.wait(lambda: len(browser.all(".list tbody tr")) == 50, "the first page")
    browser.js("const s = document.getElementById('status'); s.value = 'held'; s.dispatchEvent(new Event('change'))")
    browser.wait(lambda: len(browser.all(".list tbody tr")) == 1, "one is held")
    assert browser.js("return location.hash") == "#/documents?status=held"
    browser.see("#prefix").send_keys("nothing/", ENTER)
    browser.see(".empty", "No document matches")


def test_the_list_says_which_documents_need_a_person_and_shows_only_those(browser: Browser, api: FakeApi):
    browser.open(ready=".list a")
    browser.js(
        "const s = document.getElementById('status'); s.value = 'to-check'; s.dispatchEvent(new Event('change'))"
    )
    browser.wait(lambda: 0 < len(browser.all(".list tbody tr")) < 10, "those with values to check")
    assert browser.js("return location.hash") == "#/documents?status=to-check"
    tags = [tag.text for tag in browser.all(".list .tag-doubts")]
    assert len(tags) == len(browser.all(".list tbody tr"))
    shown = tags[0]
    assert shown.startswith("To check: ")

    browser.all(".list a")[0].click()
    browser.see(".doubts", shown)


def test_the_chart_has_its_numbers_as_a_table_too(browser: Browser):
    browser.open(ready=".chart")
    assert len(browser.all(".bars g")) == 14
    browser.click(".chart summary")
    table = browser.see(".chart table")
    assert len(table.find_elements("css selector", "tbody tr")) == 14
    numbers = [int(cell.text) for cell in table.find_elements("css selector", "td:last-child")]
    assert sum(numbers) == 71


def test_an_empty_bucket_says_what_to_do(browser: Browser, api: FakeApi):
    api.fill([])
    browser.open(ready=".empty")
    assert "No documents yet" in browser.text()
    assert browser.all(".chart") == []


def test_what_goes_wrong_is_told_as_the_api_tells_it(browser: Browser, api: FakeApi):
    api.broken = Refused(503, "store-unwell", "Service Unavailable", "OBS answered 503.", "Try again in a minute.")
    browser.open(ready=".trouble")
    for text in ("Not available at the moment", "OBS answered 503.", "Try again in a minute.", "503 store-unwell"):
        assert text in browser.text()
    api.broken = None
    browser.click(".trouble button")
    browser.see(".list a")


def test_a_page_that_gave_nothing_is_said_in_the_list_and_in_the_document(browser: Browser, api: FakeApi):
    blank = a_blank("invoices/2026-03/blank.png")
    api.documents = {blank.id: blank, **api.documents}
    browser.open(ready=".list a")
    assert "Pages that gave nothing: 1" in browser.read(".list .col-status", "nothing")
    browser.open(f"#/documents/{blank.id}", ".checks-failed")
    assert "Nothing was recognized on this page" in browser.read(".checks-failed", "recognized")


# --- one document ---


def test_a_field_is_corrected_by_keyboard(browser: Browser, api: FakeApi):
    """Given a doubtful field, when it is corrected with keys only, then the API gets what was seen and what counts."""
    browser.open(VIEWS["document"], READY["document"])
    browser.press("n")
    assert "Buyer's tax number 91310115MA1K3T0X7Q" in browser.said()
    browser.press("e")
    browser.see(".editor .cut")
    browser.press("91310115MA1K3T0X7J", TAB, "Maja")
    browser.hold(CONTROL, ENTER)
    browser.see(".item.chosen .tag", "corrected")
    assert api.reviews == [
        {
            "version": "9b2c41f07a",
            "author": "Maja",
            "conflicts": "refuse",
            "edits": [
                {"page": 1, "name": "buyer_id", "was": "91310115MA1K3T0X7Q", "value": "91310115MA1K3T0X7J"},
            ],
        }
    ]
    assert "91310115MA1K3T0X7J" in browser.said()
    assert "%" not in browser.said(), "what a person wrote has no confidence"
    assert len(browser.all(".boxes .chosen")) == 1
    browser.open(VIEWS["document"], READY["document"])
    row = browser.read(".item", "91310115MA1K3T0X7J")
    assert "Corrected by Maja" in row and "91310115MA1K3T0X7Q" in row
    browser.click(".item .pick", "91310115MA1K3T0X7J")
    browser.click(".item.chosen .pencil")
    browser.click(".editor button", "Take the correction back")
    browser.wait(lambda: browser.all(".item .tag") == [], "nothing is corrected any more")
    assert api.reviews[-1]["edits"][0]["value"] is None


@pytest.mark.parametrize("choice, counts", [("Keep mine", "Northwick Paper Works Ltd"), ("Keep theirs", "Northwich")])
def test_who_corrects_the_same_value_sees_both_and_chooses(browser: Browser, api: FakeApi, choice: str, counts: str):
    browser.open(VIEWS["document"], READY["document"])
    stored = api.documents[INVOICE]
    api.correct(stored, 1, "buyer", "Northwich", "Tomas")
    browser.click(".item .pick", "Northwick Paper Works")
    browser.press(ENTER)
    browser.see("#correction").send_keys("Northwick Paper Works Ltd")
    browser.click(".editor button", "Save")
    told = browser.read(".conflict")
    assert "Northwich" in told and "Northwick Paper Works Ltd" in told and "Tomas" in told
    browser.click(".conflict button", choice)
    browser.see(".item .value", counts)
    browser.wait(lambda: not browser.all(".conflict"), "the question is gone")
    fields = {one["name"]: one for one in (stored.record or {})["fields"]}
    assert fields["buyer"]["corrected"]["value"] == counts


def test_a_correction_of_what_was_uploaded_again_is_refused_with_a_way_on(browser: Browser, api: FakeApi):
    browser.open(VIEWS["document"], READY["document"])
    api.documents[INVOICE].version = "newer"
    browser.press("j", "j", "e")
    browser.see("#correction").send_keys("changed")
    browser.hold(CONTROL, ENTER)
    browser.see(".editor .trouble", "The document was uploaded again.")
    browser.click(".editor button", "Show the newest version")
    browser.wait(lambda: not browser.all(".editor") and browser.all(".items"), "it is read anew")


def test_a_correction_that_is_begun_is_not_lost_by_a_click(browser: Browser, api: FakeApi):
    browser.open(VIEWS["document"], READY["document"])
    browser.click(".item .pick", "Northwick")
    browser.press("e", "typed")
    browser.click(".item .pick", "HL-2026-00417")
    browser.see(".editor .note", "Save or cancel")
    assert browser.see("#correction").get_attribute("value") == "typed"
    browser.press(ESCAPE)
    browser.click(".item .pick", "HL-2026-00417")
    assert browser.all(".editor") == [] and api.reviews == []


@pytest.mark.parametrize(("way", "there"), [("nav a[href='#/health']", "Health"), (".tongues [lang='zh-CN']", "字段")])
def test_a_correction_that_is_begun_is_not_lost_by_going_elsewhere(browser: Browser, way: str, there: str):
    browser.open(VIEWS["document"], READY["document"])
    browser.click(".item .pick", "Northwick")
    browser.press("e", "typed")
    browser.click(way)
    browser.see(".editor .note", "Save or cancel")
    assert browser.see("#correction").get_attribute("value") == "typed"
    assert browser.js("return location.hash") == VIEWS["document"]
    browser.click(".editor button", "Cancel")
    browser.click(way)
    browser.see("h1, h2", there)


def test_a_cell_and_a_block_of_text_are_corrected_by_their_names(browser: Browser, api: FakeApi):
    browser.open(VIEWS["document"], READY["document"])
    browser.click("td .pick", "30.50")
    browser.press("e")
    browser.see("#correction").send_keys("30.55")
    browser.hold(CONTROL, ENTER)
    browser.see("td.chosen .value", "30.55")
    browser.open(f"#/documents/{LETTER}?page=3", ready=".blocks .pick")
    browser.click(".blocks .pick", "Yours sincerely")
    browser.press("e")
    browser.see("#correction").send_keys("Yours, Tomas")
    browser.hold(CONTROL, ENTER)
    browser.see(".blocks .value", "Yours, Tomas")
    names = [(edit["page"], edit["name"]) for review in api.reviews for edit in review["edits"]]
    assert names == [(1, "item_list#2,2"), (3, "#4")]


def test_a_box_and_its_row_light_up_together_and_lie_where_the_text_is(browser: Browser):
    browser.open(VIEWS["document"], READY["document"])
    browser.see(".boxes polygon")
    box, image = browser.js("""const name = [...document.querySelectorAll(".boxes polygon")]
        .find((one) => one.textContent.startsWith("Seller"));
        const rect = (one) => (({ x, y, width, height }) => [x, y, width, height])(one.getBoundingClientRect());
        return [rect(name), rect(document.querySelector(".sheet img"))]""")
    scale = image[2] / 1240
    assert box[0] - image[0] == pytest.approx(86 * scale, abs=3)
    assert box[2] > 300 * scale
    browser.js("""const box = [...document.querySelectorAll(".boxes polygon")]
        .find((one) => one.textContent.startsWith("Seller"));
        box.dispatchEvent(new PointerEvent("pointerenter"))""")
    assert "Harbor Lane" in browser.read(".item.lit")
    browser.js("""[...document.querySelectorAll(".items .pick")].find((one) => one.innerText.includes("HL-2026"))
        .dispatchEvent(new PointerEvent("pointerenter"))""")
    assert "Invoice number" in browser.js("return document.querySelector('.boxes .lit').textContent")
    browser.js("""[...document.querySelectorAll(".boxes polygon")].find((one) => one.textContent.startsWith("Total"))
        .dispatchEvent(new MouseEvent("click"))""")
    assert "Total 1,284.60" in browser.said()
    strokes = browser.js("""return [...new Set([...document.querySelectorAll(".legend .box")]
        .map((one) => getComputedStyle(one).strokeDasharray))]""")
    assert len(strokes) == 4, "grades differ by more than color"


def test_locations_are_led_to_the_picture_by_frame_size_or_not_at_all(browser: Browser):
    browser.open(VIEWS["health"])
    found = browser.module("""
        const { extent } = await load("geometry.js");
        const pdf = { width: 595, height: 842, unit: "pt", scale: 2 };
        return [
          extent(pdf, {}, { width: 1190, height: 1684 }),
          extent(pdf, {}, { width: 1190, height: 3000 }),
          extent(null, { width: 3000, height: 2000 }, { width: 600, height: 400 }),
          extent(null, { format: "pdf" }, { width: 600, height: 400 }),
          extent(null, { format: "png" }, { width: 600, height: 400 }),
          extent(null, {}, { width: 0, height: 0 }),
        ].map((size) => size && [size.width, size.height]);""")
    assert found == [[595, 842], [595, 1500], [3000, 2000], None, [600, 400], None]


def test_what_nothing_is_known_of_is_not_told_to_be_in_order(browser: Browser, api: FakeApi):
    record = api.documents[INVOICE].record or {}
    record["checks"] = [record["checks"][0] | {"passed": True}]
    for one in record["fields"]:
        one |= {"confidence": None, "findings": []}
    for cell in record["tables"][0]["cells"]:
        cell["confidence"] = 0.99
    browser.open(VIEWS["document"], READY["document"])
    browser.see(".doubts", "Without a confidence: 6")
    assert browser.all(".doubts .sign-done") == []
    for one in record["fields"]:
        one["confidence"] = 0.99
    browser.open(VIEWS["document"], READY["document"])
    browser.see(".doubts", "Nothing left to check")


def test_beside_text_fields_without_a_confidence_are_no_reason_to_look(browser: Browser, api: FakeApi):
    (api.documents[LETTER].record or {})["fields"] = [a_field("direction", "Rotation", "-1.0", None, None)]
    for page in api.documents[LETTER].pages:
        page["state"] = "done"
    browser.open(f"#/documents/{LETTER}", READY["document"])
    browser.see(".doubts", "Nothing left to check")


def test_pages_that_were_not_read_are_not_told_to_be_in_order(browser: Browser):
    browser.open(f"#/documents/{LETTER}", READY["document"])
    browser.see(".doubts", "Nothing in doubt on the pages that were read")
    assert browser.all(".doubts .sign-done") == []


def test_a_document_that_is_gone_leads_back(browser: Browser):
    browser.open(f"#/documents/{encoded('gone.png')}")
    browser.see(".empty a", "To the documents")
    assert browser.all(".trouble") == []


def test_names_stand_beside_one_another_on_a_phone(browser: Browser):
    browser.size(380, 800)
    browser.open(ready=".list a")
    width, height = browser.js("""const box = document.querySelector(".list .leaf").getBoundingClientRect();
        return [box.width, box.height]""")
    assert width > 100 and height < 40


def test_words_of_a_table_are_not_broken_on_a_phone(browser: Browser):
    browser.open(VIEWS["document"], "td .pick")
    browser.size(380, 800)
    lines = browser.js("""const lines = (one) => {
            const range = document.createRange();
            range.selectNodeContents(one);
            return range.getClientRects().length;
        };
        return [...document.querySelectorAll(".grid .value")]
            .filter((one) => !/[ -]/.test(one.textContent)).map(lines)""")
    assert len(lines) > 8 and set(lines) == {1}


def test_a_flat_picture_keeps_its_shape(browser: Browser, api: FakeApi):
    api.documents[INVOICE].image = lambda _: png(Image.new("RGB", (700, 12)))
    browser.open(VIEWS["document"], ".boxes")
    wide, tall = browser.js("const i = document.querySelector('.sheet img'); return [i.clientWidth, i.clientHeight]")
    assert wide / tall == pytest.approx(700 / 12, rel=0.1)


def test_pages_are_turned_and_each_says_its_state_and_reason(browser: Browser):
    browser.open(f"#/documents/{LETTER}", ready=".blocks .pick")
    browser.press("]")
    assert "Scan it again at 150 dpi." in browser.read(".turner .reason")
    assert browser.js("return location.hash").endswith("?page=2")
    browser.press("]")
    browser.see(".blocks .pick", "Dear Ms Lindqvist")
    browser.press("[", "[")
    browser.press("j", "j", "j", "j", "j")
    assert browser.js("return location.hash").endswith("?page=3"), "walking goes on over pages"
    browser.click(".overview summary")
    browser.click(".overview button", "2")
    browser.see(".turner .reason")
    assert browser.focused().text == "2", "who turns pages by a list stays in it"
    browser.click(".turning button[aria-label='Next page']")
    assert browser.focused().get_attribute("id") == "page", "the last page has no next one"
    browser.press("2", ENTER)
    browser.see(".turner .reason")


def test_results_are_downloaded(browser: Browser):
    browser.open(VIEWS["document"], READY["document"])
    titles = [one.text for one in browser.all(".downloads a")]
    assert titles == ["Excel", "Form", "CSV", "Markdown", "PDF with text", "JSON", "Raw answer"]
    browser.click(".downloads a", "Excel")
    file = browser.downloads / "record.xlsx"
    browser.wait(file.is_file, "the workbook is there")
    assert file.read_text("utf-8") == "record.xlsx of invoices/2026-03/harbor-lane.png"
    browser.open(f"#/documents/{LETTER}", ready=".blocks .pick")
    assert [one.text for one in browser.all(".downloads a")] == ["Excel", "CSV", "JSON", "Raw answer"]


def test_what_was_held_is_run_again(browser: Browser, api: FakeApi):
    browser.open(f"#/documents/{HELD}", ready=".reason")
    for text in ("has not subscribed", "Subscribe to the operation", "ModelArts.4204", "request 8f0c1"):
        assert text in browser.text()
    browser.click("button", "Run again")
    browser.see(".facts .badge", "running")
    browser.see(".facts .badge", "done")
    browser.see(".items .pick", "Harbor Lane")
    assert ("POST", f"/v1/documents/{HELD}/rerun") in api.requests


def test_what_runs_again_shows_what_it_had_and_takes_no_correction_away(browser: Browser):
    browser.open(f"#/documents/{LETTER}", ready=".blocks .pick")
    browser.click("button", "Run again")
    browser.see(".facts .badge", "running")
    browser.press("j", "e", "typed")
    browser.see("main .note", "Finished")
    assert browser.see("#correction").get_attribute("value") == "typed"
    browser.click("main button", "Show the newest version")
    browser.see(".items .pick", "Harbor Lane")
    browser.press("j")
    assert "Harbor Lane Freight Ltd" in browser.said()


def test_a_record_too_large_for_the_gateway_is_read_from_the_store(browser: Browser):
    browser.open(f"#/documents/{LARGE}", ready=".items .pick")
    assert "Harbor Lane Freight Ltd" in browser.text()
    assert browser.complaints() == []


def test_single_keys_are_listed_and_can_be_switched_off(browser: Browser):
    browser.open(VIEWS["document"], READY["document"])
    browser.press("?")
    browser.see("dialog kbd", "Ctrl+Enter")
    browser.click("#single-keys")
    browser.press(ESCAPE)
    browser.wait(lambda: not browser.all("dialog"), "the list of keys is closed")
    browser.press("n")
    assert browser.all(".item.chosen") == []


# --- try ---


def test_an_operation_is_tried_and_its_code_is_shown(browser: Browser, api: FakeApi):
    browser.open(VIEWS["try"], READY["try"])
    browser.click("#try-advanced_mode")
    browser.see("#try-page_num").send_keys("2")
    browser.click("button", "Send")
    browser.see("[role=alert]", "Choose a file first.")
    browser.js(DROP, "market.png", 2000, "image/png")
    request = browser.read(".request pre", "market.png")
    assert 'options: {"advanced_mode":true,"page_num":2}' in request and "POST /v1/documents?wait=20" in request
    browser.click("button", "Send")
    browser.see(".result .values", "Harbor Lane Freight Ltd")
    assert api.options[encoded("vat-invoice/market.png")] == {"advanced_mode": True, "page_num": 2}
    browser.click(".result [role=tab]", "Raw answer")
    assert '"serial": 12345678901234567890,' in browser.read(".result pre"), "no digit is lost"
    assert "vat-invoice/market.png" in browser.read("[aria-label='The same as code'] pre", "market.png")
    browser.press(TAB)
    browser.click("[role=tab]", "Python")
    browser.press("\ue014")
    assert browser.focused().text == "curl"
    browser.see("[role=tabpanel] pre", "curl -X POST")
    asked = {"origin": api.url, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    browser.driver.execute_cdp_cmd("Browser.grantPermissions", asked)
    browser.click(".request button", "Copy")
    browser.see(".request button", "Copied")
    assert browser.module("return navigator.clipboard.readText();").startswith("POST /v1/documents?wait=20")


def test_a_request_that_is_sent_again_after_it_failed_is_the_same_one(browser: Browser, api: FakeApi):
    browser.open(VIEWS["try"], READY["try"])
    api.lost = 1
    browser.js(DROP, "market.png", 2000, "image/png")
    browser.click("button", "Send")
    browser.see(".result .trouble")
    for _ in range(2):
        browser.click("button", "Send")
        browser.see(".result .values", "Harbor Lane Freight Ltd")
    first, second, third = api.keys
    assert first == second != third
    api.lost = 1
    browser.js(DROP, "large.png", 4_100_000, "image/png")
    browser.click("button", "Send")
    browser.see(".result .trouble")
    browser.click("button", "Send")
    browser.see(".result a", "vat-invoice/large.png")
    assert [path for method, path in api.requests if path == "/v1/uploads"] == ["/v1/uploads"]


def test_an_address_is_tried_and_a_large_file_goes_to_the_store(browser: Browser, api: FakeApi):
    browser.open(VIEWS["try"], READY["try"])
    browser.click(".kind", "Address")
    browser.see("#url").send_keys("https://files.example/a/receipt.png")
    browser.click("button", "Send")
    browser.see(".result a", "vat-invoice/receipt.png")
    browser.js(DROP, "large.png", 4_100_000, "image/png")
    browser.see(".request pre", "POST /v1/uploads")
    browser.click("button", "Send")
    browser.see(".result a", "vat-invoice/large.png")
    assert api.documents[encoded("vat-invoice/large.png")].size == 4_100_000


def test_only_operations_that_read_documents_are_offered(browser: Browser):
    browser.open(VIEWS["try"], READY["try"])
    assert browser.all("option[value=passport]") != []
    assert browser.all("option[value=invoice-verification]") == []


def test_options_are_inputs_of_their_type(browser: Browser):
    browser.open(VIEWS["health"])
    found = browser.module("""
        const { Options } = await load("options.js");
        const types = ["bool", "int", "float", "list[str]", "str", "object"];
        const options = new Options("test");
        options.show({ options: types.map((type) => ({ name: type, type, help: "", required: false })) });
        document.body.append(options.element);
        const inputs = [...options.element.querySelectorAll("input")];
        const before = options.values();
        inputs[0].checked = true;
        ["7", "0.5", "a, b，c", " text ", '{"a": 1}'].forEach((text, index) => (inputs[index + 1].value = text));
        const kinds = inputs.map((one) => one.type);
        options.element.remove();
        return [before, kinds, options.values()];""")
    assert found == [
        {},
        ["checkbox", "number", "number", "text", "text", "text"],
        {"bool": True, "int": 7, "float": 0.5, "list[str]": ["a", "b", "c"], "str": "text", "object": {"a": 1}},
    ]


def test_json_is_laid_out_without_being_read(browser: Browser):
    browser.open(VIEWS["health"])
    source = '{"b":[],"a":[1.10,{"x":"}, {\\" \\\\"}],"n":12345678901234567890,"e":{}}'
    found = browser.module(f"const {{ laidOut }} = await load('json.js'); return laidOut({json.dumps(source)});")
    assert json.loads(found) == json.loads(source)
    assert "1.10" in found and "12345678901234567890" in found
    assert found.index('"b"') < found.index('"a"')
    assert found.splitlines()[1] == '  "b": [],'


# --- health, languages, sizes, hands, eyes ---


def test_health_tells_what_to_do(browser: Browser):
    browser.open(VIEWS["health"], READY["health"])
    failed = browser.read(".check-entry.is-failed")
    assert "id-card is not subscribed." in failed and "Grant the agency" in failed
    assert "1 of 4 checks failed." in browser.text()


def test_a_subscription_is_asked_for_when_its_operation_is_chosen(browser: Browser, api: FakeApi):
    browser.open(VIEWS["health"], "#probe")
    assert [path for _, path in api.requests if "probe" in path] == []
    browser.js(
        "const s = arguments[0]; s.value = 'passport'; s.dispatchEvent(new Event('change'))", browser.see("#probe")
    )
    browser.see(".check-entry", "subscription passport")
    browser.see(".summary", "1 of 5 checks failed.")


def test_both_languages_are_spoken_and_remembered(browser: Browser):
    browser.open(VIEWS["document"], READY["document"])
    browser.click(".tongues button", "中文")
    browser.see(".items .label", "购买方税号")
    assert browser.js("return document.documentElement.lang") == "zh-CN"
    assert browser.focused().text == "中文"
    browser.go(VIEWS["try"], READY["try"])
    browser.see("#operation", "增值税发票")
    browser.open(VIEWS["health"], READY["health"])
    browser.see("h1", "运行状况")
    browser.click(".tongues button", "English")
    browser.see("h1", "Health")


def test_no_view_scrolls_sideways(browser: Browser):
    browser.open(VIEWS["lost"])
    for language in ("English", "中文"):
        browser.click(".tongues button", language)
        for name, address in VIEWS.items():
            browser.go(address, READY[name])
            for width in (380, 700, 1920):
                browser.size(width, 800)
                wide = browser.js("return document.documentElement.scrollWidth")
                assert wide <= width, f"{name} in {language}"
            browser.size(1280, 900)


def test_everything_is_reached_by_keyboard(browser: Browser):
    """Given hands on the keyboard only, when somebody goes from the list to a field, then no step needs a mouse."""
    browser.open("#/documents?prefix=invoices/2026-03/harbor", ready=".list a")
    browser.press(TAB)
    assert browser.focused().text == "Skip to the content"
    browser.press(ENTER)
    seen = []
    for _ in range(12):
        browser.press(TAB)
        seen.append(browser.focused().get_attribute("href") or browser.focused().tag_name)
        ring = browser.js("return getComputedStyle(document.activeElement).outlineStyle")
        assert ring == "solid", f"focus is seen on {seen[-1]}"
        if seen[-1].endswith(INVOICE):
            break
    assert seen[-1].endswith(INVOICE)
    assert {"select", "button", "input"} <= set(seen)
    browser.press(ENTER)
    browser.see(READY["document"])
    assert browser.focused().tag_name in ("h1", "body")
    walked = []
    for key in ("j", "j", "k", "n", "n", "p"):
        browser.press(key)
        walked.append(browser.focused().find_element("css selector", ".label").text)
    assert walked == ["Seller", "Invoice number", "Seller", "Buyer's tax number", "Total", "Buyer's tax number"]
    browser.press("e")
    assert browser.focused().get_attribute("id") == "correction"
    browser.press(ESCAPE)
    assert browser.said().startswith("Buyer's tax number")


@pytest.mark.skipif(not AXE.is_file(), reason=tools.missing("axe-core"))
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, scheme: str):
    browser.scheme(scheme)
    browser.open()
    browser.js(AXE.read_text("utf-8"))
    found = []
    for name, address in VIEWS.items():
        browser.go(address, READY[name])
        if name == "document":
            browser.press("n", "e")
            browser.see(".editor")
        run = "axe.run(document, { resultTypes: ['violations'] }).then(arguments[arguments.length - 1])"
        result = browser.driver.execute_async_script(run)
        for one in result["violations"]:
            found += [f"{name}: {one['impact']} {one['id']}: {node['html'][:200]}" for node in one["nodes"]]
    assert found == []


# --- hostile content ---

PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "<svg onload=alert(3)>",
    "javascript:alert(4)",
    "'-alert(5)-'",
    "</textarea><iframe srcdoc='<script>parent.alert(6)</script>'>",
    "{{constructor.constructor('alert(7)')()}}",
    '<a href="javascript:alert(8)">x</a>',
    "</title><script>alert(9)</script>",
    "\u202egnp.exe\u2066 <b>bold</b> \x07",
    "<style>*{display:none}</style><link rel=stylesheet href=//evil.example/a.css>",
    '<math><mtext></p><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(10)&gt;">',
    "${alert(11)}`",
    "<details open ontoggle=alert(12)>",
]


def hostile(key: str) -> Stored:
    """Return a document in which everything that can be foreign is hostile."""
    stored = an_invoice(key)
    stored.operation = PAYLOADS[1]
    stored.reason = a_reason(*PAYLOADS[:3], PAYLOADS[3], PAYLOADS[4])
    fields = [
        a_field(text, text, text, 0.5, [[10, 10 + n], [90, 10 + n], [90, 40], [10, 40]], label_zh=text, findings=[text])
        for n, text in enumerate(PAYLOADS)
    ]
    cells = [{"row": n, "column": 0, "text": text, "findings": [text]} for n, text in enumerate(PAYLOADS)]
    table = {"name": PAYLOADS[0], "label": PAYLOADS[1], "page": 1, "rows": len(cells), "columns": 1, "cells": cells}
    blocks = [{"text": text, "page": 1, "location": None} for text in PAYLOADS]
    by = {"value": PAYLOADS[2], "author": PAYLOADS[1], "at": "2026-03-01T10:00:00+00:00"}
    fields[0] |= {"corrected": by, "typed": PAYLOADS[5], "currency": PAYLOADS[5]}
    read = {"fields": fields, "tables": [table], "text": blocks}
    checks = [a_check(text, [text], text) for text in PAYLOADS]
    stored.record = a_record(stored, read, checks=checks, notes=list(PAYLOADS))
    stored.status = "partial"
    stored.pages = [{"page": 1, "state": "done", "reason": None}, {"page": 2, "state": "dead", "reason": stored.reason}]
    return stored


def test_nothing_hostile_becomes_anything_but_text(browser: Browser, api: FakeApi):
    """Given payloads in every text the API can hold, when every view shows them, then they are shown and do nothing."""
    stored = api.add(hostile("in/<img src=x onerror=alert(0)>\"'&.png"))
    for text in PAYLOADS:
        api.add(Stored(f"in/{text}", "rejected", text))
    browser.open(ready=".list a")
    assert PAYLOADS[0] in browser.text()
    for name in PAYLOADS[:3]:
        browser.js(DROP, name, 10, "image/png")
        browser.see(".upload", name.rsplit("/", 1)[-1])
    browser.wait(lambda: len(browser.all(".upload .is-done")) == 3, "they are read")
    innocent(browser)
    browser.open(f"#/documents/{stored.id}", ready=".items .pick")
    for text in PAYLOADS[:5]:
        assert text in browser.text()
    for _ in range(4):
        browser.press("n", "e")
        browser.see(".editor")
        browser.press(ESCAPE)
    browser.press("]")
    browser.see(".turner .badge", "dead")
    innocent(browser)
    browser.open(VIEWS["try"], READY["try"])
    for name in PAYLOADS[:3]:
        browser.js(DROP, name, 10, "image/png")
        browser.see(".request pre", name)
    innocent(browser)
    api.broken = Refused(503, PAYLOADS[0], *PAYLOADS[1:4], errors=[{"detail": PAYLOADS[4]}, PAYLOADS[5]])
    browser.click("button", "Send")
    browser.see(".result .trouble", PAYLOADS[2])
    innocent(browser, refused=True)


def innocent(browser: Browser, refused: bool = False) -> None:
    """Hold that nothing ran, nothing was made of text, and the browser had nothing to complain of."""
    assert browser.js("return window.fired") == []
    strange = "script, iframe, style, link, b, math, img:not(.sheet img), [onerror], [onload], [ontoggle]"
    made = browser.js("return document.querySelector('main').querySelectorAll(arguments[0]).length", strange)
    assert made == 0
    ways = browser.js(
        "return [...document.querySelectorAll('[href], [src]')].map((one) => one.href?.baseVal ?? one.href ?? one.src)"
    )
    assert all(way.startswith(("http://127.0.0.1:", "/v1/")) for way in ways), ways
    complaints = browser.complaints()
    assert all("503" in one for one in complaints) if refused else complaints == []


def test_hostile_addresses_lead_nowhere(browser: Browser, api: FakeApi):
    stored = api.documents[INVOICE]
    stored.links = {"xlsx": "javascript:alert(1)", "csv": "data:text/html,x", "record": "/v1/x"}
    browser.open(f"#/documents/{stored.id}", ready=".items .pick")
    ways = {one.text: one.get_dom_attribute("href") for one in browser.all(".downloads a")}
    assert (ways["Excel"], ways["CSV"], ways["JSON"]) == (None, None, "/v1/x")
    for address in ("#/documents/../../v1/x", "#/documents/%3Cimg%3E", "#/documents/javascript:alert(1)", "#/<script>"):
        browser.open(address)
        browser.see(".empty")
        assert browser.js("return window.fired") == []
    browser.open(f"#/documents/{INVOICE}?page=-1%3Cb%3E&version=%0d%0a<", ready=".items .pick")
    assert not any("version" in path for _, path in api.requests)


# --- what the product itself writes ---

GOLDENS = sorted(ANSWERS.glob("*/record.json"))


def test_every_value_of_every_operation_can_be_looked_at(browser: Browser):
    """Given what Legible makes of each operation's answer, when it is shown, then each value has one row or cell."""
    browser.open(VIEWS["health"])
    browser.module("""
        const [{ itemsOf, final }, { Results }] = await Promise.all([load("items.js"), load("results.js")]);
        window.shown = (record) => {
          const items = itemsOf(record);
          const results = new Results({ picked() {}, pointed() {}, edit() {} });
          results.show([...items], record.tables);
          const texts = [...results.element.querySelectorAll(".pick")].map((one) => one.textContent);
          const names = items.map((item) => `${item.page} ${item.name}`);
          const missed = items.filter((item) => !texts.some((text) => text.includes(final(item))));
          return [items.length, texts.length, new Set(names).size, missed.length];
        };""")
    for golden in GOLDENS:
        record = json.loads(golden.read_text("utf-8"))
        count = len(record["fields"]) + sum(len(table["cells"]) for table in record["tables"]) + len(record["text"])
        assert browser.js("return window.shown(arguments[0])", record) == [count, count, count, 0], golden.parent.name
