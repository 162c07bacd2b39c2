// The list of documents with its live states, what was uploaded lately, and the way to upload more.

import { get, isId, path } from "./api.js";
import { DAYS, chart, days } from "./chart.js";
import { h, put } from "./dom.js";
import { ago, moment, size, t } from "./language.js";
import { Options, chooser, operations } from "./options.js";
import { STATUSES, badge, empty, loading, named, say, sign, time, trouble, word } from "./parts.js";
import { poll } from "./poll.js";
import { choosing, row as uploadRow, upload, uploads, watch } from "./uploads.js";
import { take } from "./drop.js";

const LIMIT = 50;
const CHART_PAGES = 5;
/** The chart is counted anew so long after the list changed, in milliseconds: many documents end one after the other. */
const COUNT_AFTER = 4000;

/** What the status filter offers beside statuses: documents with values to check, whatever their status. */
const TO_CHECK = "to-check";

/** Show the list. `query` holds `status` and `prefix` as the address says; `move` changes the address. */
export function documents(main, { query, move }, signal) {
  const view = new List(main, query, move, signal);
  view.draw();
}

class List {
  constructor(main, query, move, signal) {
    Object.assign(this, { main, query, move, signal });
    this.cursors = [""];
    this.rows = h("div", { class: "rows", "aria-busy": "true" }, loading());
    this.alarm = h("div", {});
    this.updated = h("p", { class: "help updated" });
    this.pager = h("nav", { class: "pager", "aria-label": t("paging"), hidden: true });
    this.figure = h("div", { class: "chart-place" });
    this.asking = null;
  }

  draw() {
    const panel = new Uploader(this.signal, () => this.load(true));
    put(
      this.main,
      h("h1", { tabindex: "-1" }, t("documents")),
      h("div", { class: "upper" }, panel.element, this.figure),
      panel.tray,
      h(
        "section",
        { "aria-labelledby": "list-title" },
        h("h2", { id: "list-title", class: "unseen" }, t("list_title")),
        this.filters(),
        this.alarm,
        this.rows,
        this.pager,
      ),
    );
    document.addEventListener("visibilitychange", () => document.hidden || this.load(true), { signal: this.signal });
    this.load();
    this.count();
  }

  filters() {
    const prefix = h("input", {
      type: "search",
      id: "prefix",
      value: this.query.prefix ?? "",
      placeholder: t("prefix_hint"),
      autocomplete: "off",
      spellcheck: "false",
      maxlength: "1000",
    });
    const status = h(
      "select",
      { id: "status" },
      h("option", { value: "" }, t("any_status")),
      h("option", { value: TO_CHECK }, t("to_check")),
      STATUSES.map((one) => h("option", { value: one }, word(one))),
    );
    status.value = [TO_CHECK, ...STATUSES].includes(this.query.status) ? this.query.status : "";
    const chosen = () => {
      this.query = { prefix: prefix.value.trim(), status: status.value };
      this.cursors = [""];
      this.seen = null;
      this.move(this.query);
      this.load();
    };
    status.addEventListener("change", chosen);
    prefix.addEventListener("change", () => (chosen(), this.count()));
    const refresh = h(
      "button",
      { type: "button", class: "quiet", on: { click: () => (this.load(true), this.count()) } },
      sign("again"),
      t("refresh"),
    );
    const submit = (event) => event.preventDefault();
    return h(
      "form",
      { class: "filters", role: "search", on: { submit } },
      h("div", {}, h("label", { for: "prefix" }, t("prefix")), prefix),
      h("div", {}, h("label", { for: "status" }, t("status")), status),
      h("div", { class: "filters-end" }, this.updated, refresh),
    );
  }

  /** Ask for the page that is shown, then again and again: soon while something runs, else now and then. */
  async load(quiet = false) {
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    this.signal.addEventListener("abort", () => asking.abort(), { once: true });
    if (!quiet) this.rows.setAttribute("aria-busy", "true");
    const failed = (problem) => asking.signal.aborted || this.failed(problem);
    const once = () => this.once(asking.signal);
    let on = true;
    try {
      on = (await once()).again;
    } catch (problem) {
      failed(problem);
      on = problem.passing;
    }
    if (on) poll(once, failed, asking.signal);
  }

  async once(signal) {
    const cursor = this.cursors.at(-1);
    const which = this.query.status === TO_CHECK ? { doubtful: "true" } : { status: this.query.status };
    const found = await get(path(["documents"], { prefix: this.query.prefix, ...which, limit: LIMIT, cursor }), signal);
    signal.throwIfAborted();
    const before = this.seen;
    this.seen = JSON.stringify(
      found.documents.map((one) => [one.id, one.version, one.status, one.revision, one.doubtful, one.empty]),
    );
    put(this.alarm);
    this.updated.textContent = t("updated", { time: moment(new Date(), { timeStyle: "medium" }) });
    const changed = before !== this.seen;
    if (changed || this.rows.getAttribute("aria-busy") === "true") this.show(found);
    else for (const one of this.rows.querySelectorAll("time")) one.textContent = ago(new Date(one.dateTime));
    if (changed && before) this.countSoon();
    const running = found.documents.some((one) => one.status === "running");
    // Of one status, hundreds of documents may be looked through: not for a page that somebody left open.
    const newest = this.cursors.length === 1 && !this.query.status;
    return { again: running || newest, changed, idle: !running };
  }

  /** Count anew when the list has changed, once for all that changes together. */
  countSoon() {
    this.counting ??= setTimeout(() => {
      this.counting = null;
      if (!this.signal.aborted) this.count();
    }, COUNT_AFTER);
  }

  show(found) {
    const focused = this.rows.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    this.rows.setAttribute("aria-busy", "false");
    put(this.rows, found.documents.length ? table(found.documents) : this.nothing(found.next));
    this.page(found.next);
    if (focused) [...this.rows.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
  }

  nothing(next) {
    if (next) return empty(t("none_here"), t("none_here_detail"));
    const narrowed = this.query.prefix || this.query.status || this.cursors.length > 1;
    return narrowed ? empty(t("none_match"), t("none_match_detail")) : empty(t("none_yet"), t("none_yet_detail"));
  }

  page(next) {
    const to = (change) => () => (
      (this.seen = null), change(), this.load(), this.rows.scrollIntoView({ block: "nearest" })
    );
    const newer = h(
      "button",
      { type: "button", disabled: this.cursors.length < 2, on: { click: to(() => this.cursors.pop()) } },
      sign("back"),
      t("newer"),
    );
    const older = h(
      "button",
      { type: "button", disabled: !next, on: { click: to(() => this.cursors.push(next)) } },
      t("older"),
      sign("next"),
    );
    this.pager.hidden = this.cursors.length < 2 && !next;
    put(this.pager, newer, h("span", {}, t("page_number", { page: this.cursors.length })), older);
  }

  failed(problem) {
    if (problem.name === "AbortError") return;
    this.rows.setAttribute("aria-busy", "false");
    put(
      this.alarm,
      trouble(problem, () => this.load()),
    );
    if (this.seen) return; // What was seen last stays in sight, with its time.
    put(this.rows);
    this.pager.hidden = true;
  }

  /** Count the documents of the last days, a few pages of the list at most. */
  async count() {
    const first = Date.now() - DAYS * 86400000;
    const found = [];
    let cursor = "";
    try {
      for (let page = 0; page < CHART_PAGES; page += 1) {
        const part = await get(path(["documents"], { prefix: this.query.prefix, limit: 200, cursor }), this.signal);
        found.push(...part.documents);
        cursor = part.next;
        if (!cursor || (found.length && new Date(found.at(-1).uploaded_at).getTime() < first)) break;
      }
    } catch {
      put(this.figure); // The list below says what is wrong.
      return;
    }
    const last = found.at(-1);
    const cut = cursor && last && new Date(last.uploaded_at).getTime() >= first;
    put(this.figure, found.length ? chart(days(found), cut ? t("chart_cut", { total: found.length }) : "") : null);
  }
}

/** The rows of documents. */
function table(found) {
  const head = ["document", "status", "operation", "size", "uploaded"];
  const keys = {
    document: t("document"),
    status: t("status"),
    operation: t("operation"),
    size: t("size"),
    uploaded: t("uploaded"),
  };
  return h(
    "table",
    { class: "list" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        head.map((name) => h("th", { scope: "col", class: `col-${name}` }, keys[name])),
      ),
    ),
    h("tbody", {}, found.map(row)),
  );
}

function row(found) {
  const at = found.uploaded_at === null ? null : new Date(found.uploaded_at);
  const name = isId(found.id) ? h("a", { href: `#/documents/${found.id}` }, named(found.key)) : named(found.key);
  return h(
    "tr",
    {},
    h("th", { scope: "row", class: "col-document" }, name),
    h(
      "td",
      { class: "col-status" },
      badge(found.status),
      found.doubtful ? h("span", { class: "tag tag-doubts" }, t("doubts", { count: found.doubtful })) : null,
      found.empty ? h("span", { class: "tag tag-doubts" }, t("empty_pages", { count: found.empty })) : null,
      found.revision ? h("span", { class: "tag" }, t("corrected")) : null,
    ),
    h("td", { class: "col-operation" }, found.operation || h("span", { class: "faint" }, t("no_operation"))),
    h("td", { class: "col-size" }, size(found.size)),
    h("td", { class: "col-uploaded" }, at && time(at, ago(at), moment(at, { dateStyle: "full", timeStyle: "medium" }))),
  );
}

/** Files in: by button or drop, with the operation that shall read them, and how far each of them is. */
class Uploader {
  constructor(signal, ended) {
    this.file = h("input", {
      type: "file",
      multiple: true,
      class: "unseen",
      tabindex: "-1",
      "aria-label": t("choose_files"),
      on: { change: () => this.begin([...this.file.files]) },
    });
    const button = h(
      "button",
      { type: "button", class: "primary", on: { click: () => this.file.click() } },
      sign("up"),
      t("upload"),
    );
    this.options = new Options("upload");
    this.more = h("details", { hidden: true }, h("summary", {}, t("options")), this.options.element);
    this.choice = h("div", { class: "upload-as" });
    this.list = h("ul", { class: "uploads", tabindex: "0", "aria-label": t("uploads") });
    this.ends = h("span", { class: "count" });
    this.tray = h("section", { class: "block" }, h("h2", {}, t("uploads"), this.ends), this.list);
    this.element = h(
      "section",
      { class: "uploader", "aria-label": t("upload") },
      h("p", { class: "drop-hint" }, t("drop_hint")),
      h("div", { class: "upload-choice" }, this.file, this.choice, button),
      this.more,
    );
    this.select = null;
    this.ended = ended;
    choosing(() => ({ operation: this.select?.value ?? "", options: this.options.values() }));
    take(
      (files) => this.begin(files),
      () => t("drop_as", { operation: this.chosen() }),
    );
    watch(() => this.drawSoon(), signal);
    this.drawList();
    operations().then(
      (found) => this.offer(found),
      () => null,
    );
  }

  offer(found) {
    this.select = chooser(found, { id: "upload-operation", none: t("by_route") });
    this.select.addEventListener("change", () => {
      this.more.hidden = !this.options.show(found.find((one) => one.slug === this.select.value));
    });
    put(this.choice, h("label", { for: "upload-operation" }, t("read_as")), this.select);
  }

  chosen() {
    return this.select?.selectedOptions[0]?.textContent ?? t("by_route");
  }

  begin(files) {
    if (!files.length) return;
    upload(files, this.select?.value ?? "", this.options.values());
    this.file.value = "";
    say(t("upload_begun", { count: files.length }));
  }

  drawSoon() {
    if (this.soon) return;
    this.soon = requestAnimationFrame(() => {
      this.soon = 0;
      this.drawList();
    });
  }

  drawList() {
    put(this.list, uploads.map(uploadRow));
    this.tray.hidden = !uploads.length;
    this.ends.textContent = t("uploads_ended", { ended: uploads.filter((one) => one.document).length, all: uploads.length });
    const stages = uploads.map(({ state }) => state).join();
    if (this.stages !== undefined && stages !== this.stages) this.ended();
    this.stages = stages;
  }
}
