// One document: its page with boxes at one side, what was recognized at the other, corrections, downloads.

import { get, isId, path, post } from "./api.js";
import { h, put } from "./dom.js";
import { Editor } from "./editor.js";
import { doubtful, itemsOf, unmeasured } from "./items.js";
import { help, keys } from "./keys.js";
import { moment, size, t } from "./language.js";
import { badge, empty, keyed, loading, reason, say, sign, time, trouble } from "./parts.js";
import { poll } from "./poll.js";
import { Results, titled } from "./results.js";
import { Viewer } from "./viewer.js";

const AGAIN = ["partial", "held", "dead", "rejected"];

/** Show a document. `query` holds `id`, and maybe `page` and `version`; `stay` is told what may keep it. */
export function document_(main, { query, move, stay }, signal) {
  if (!isId(query.id)) {
    const nothing = empty(t("no_document"), t("no_document_detail"));
    return put(main, back(), h("h1", { tabindex: "-1" }, t("document")), nothing);
  }
  const view = new View(main, query, move, signal);
  stay(() => view.held());
  return view.load();
}

class View {
  constructor(main, query, move, signal) {
    Object.assign(this, { main, query, move, signal, items: [], chosen: null, editor: null });
    this.page = /^[1-9]\d{0,5}$/.test(query.page ?? "") ? Number(query.page) : 1;
    const pointed = (item) => (this.viewer.light(item), this.results.light(item));
    const latest = (item) => item && this.items.find((one) => one.page === item.page && one.name === item.name);
    this.viewer = new Viewer({
      hovered: (item) => pointed(latest(item)),
      picked: (item) => this.choose(latest(item), true),
      titled,
    });
    this.results = new Results({ picked: (item) => this.choose(item), pointed, edit: (item) => this.edit(item) });
    keys(this.deeds(), signal);
    addEventListener("beforeunload", (event) => this.editor?.changed && event.preventDefault(), { signal });
  }

  deeds() {
    return {
      down: () => this.walk(1),
      up: () => this.walk(-1),
      nextDoubtful: () => this.walk(1, doubtful),
      previousDoubtful: () => this.walk(-1, doubtful),
      edit: () => this.chosen && this.edit(this.chosen),
      nextPage: () => this.turn(this.page + 1),
      previousPage: () => this.turn(this.page - 1),
      closer: () => this.viewer.nearer(1),
      farther: () => this.viewer.nearer(-1),
      fit: () => this.viewer.nearer(0),
      help,
    };
  }

  address(...rest) {
    return path(["documents", this.query.id, ...rest], { version: this.query.version });
  }

  async load() {
    this.editor = null;
    put(this.main, h("h1", { class: "unseen", tabindex: "-1" }, t("document")), loading());
    try {
      await this.read();
    } catch (problem) {
      if (problem.name === "AbortError") return;
      put(
        this.main,
        back(),
        h("h1", { tabindex: "-1" }, t("document")),
        problem.status === 404
          ? empty(t("no_document"), t("gone_detail"), h("a", { href: "#/documents" }, t("to_documents")))
          : trouble(problem, () => this.load()),
      );
      return;
    }
    this.draw();
    if (this.document.status === "running") this.follow();
  }

  async read() {
    await this.take(await get(this.address(), this.signal));
  }

  /** Take a document as the API tells it, with its record; one that is too large for a reply is asked for apart. */
  async take(found) {
    const apart = found.status !== "running" && !found.record && found.links?.record;
    const record = apart ? await get(apart, this.signal) : found.record;
    Object.assign(this, { document: found, record, items: record ? itemsOf(record) : [] });
  }

  follow() {
    const seen = ({ status, answered, pages }) => JSON.stringify([status, answered, pages]);
    const task = async () => {
      const found = await get(this.address(), this.signal);
      const changed = seen(found) !== seen(this.document);
      const again = found.status === "running";
      if (!again) await this.ended(found);
      else if (changed) this.progress(found);
      return { again, changed };
    };
    poll(task, (problem) => problem.name !== "AbortError" && put(this.alarm, trouble(problem)), this.signal);
  }

  /** Show a document that was running and is finished; what is being corrected is left until it is asked for. */
  async ended(found) {
    say(t("finished"));
    if (this.editor) {
      const show = h("button", { type: "button", on: { click: () => this.load() } }, t("show_newest"));
      put(this.alarm, h("p", { class: "note deeds" }, t("finished"), show));
      return;
    }
    await this.take(found);
    this.draw();
  }

  /** Show how far a running document is; the record that is shown stays, and with it what was chosen. */
  progress(found) {
    this.document = found;
    put(this.alarm);
    put(this.facts, this.told());
    this.drawTurner();
    if (!this.record) put(this.results.element, this.waiting());
  }

  draw() {
    this.page = Math.min(this.page, this.pages());
    this.alarm = h("div", {});
    this.turner = h("div", { class: "turner" });
    this.findings = h("div", { class: "findings" });
    this.notes = h("div", {});
    document.title = `${this.document.key} - Legible`;
    put(
      this.main,
      back(),
      this.head(),
      this.alarm,
      this.document.reason
        ? h("div", { class: `panel is-${this.document.status}` }, reason(this.document.reason))
        : null,
      h(
        "div",
        { class: "desk" },
        h("div", { class: "sight" }, this.turner, this.viewer.element),
        h(
          "section",
          { class: "results", "aria-label": t("results") },
          this.bar(),
          this.findings,
          this.results.element,
          this.notes,
        ),
      ),
    );
    this.show();
  }

  pages() {
    return Math.max(1, this.document.page_count ?? 0, ...this.document.pages.map((one) => one.page));
  }

  head() {
    const found = this.document;
    this.facts = h("ul", { class: "facts" }, this.told());
    const older = this.query.version
      ? h(
          "p",
          { class: "note" },
          t("older_version"),
          " ",
          h("a", { href: `#/documents/${this.query.id}` }, t("show_newest")),
        )
      : null;
    return h(
      "header",
      { class: "head document-head" },
      h("div", {}, h("h1", { tabindex: "-1" }, keyed(found.key)), this.facts, older),
      h("div", { class: "head-deeds" }, this.downloads(), AGAIN.includes(found.status) ? this.rerun() : null),
    );
  }

  told() {
    const { status, operation, uploaded_at, size: bytes, answered, page_count } = this.document;
    const at = uploaded_at === null ? null : new Date(uploaded_at);
    const uploaded = at && time(at, moment(at), moment(at, { dateStyle: "full", timeStyle: "long" }));
    const known = page_count !== null || status === "running";
    const answers = known && t("pages_answered", { answered, pages: page_count ?? "?" });
    return [badge(status), operation && h("code", {}, operation), uploaded, size(bytes), answers]
      .filter(Boolean)
      .map((fact) => h("li", {}, fact));
  }

  downloads() {
    const { links = {}, results = [] } = this.document;
    const there = [
      ["xlsx", "Excel", results.includes("record.xlsx")],
      ["form", t("form"), results.includes("form.xlsx")],
      ["csv", "CSV", results.includes("record.json")],
      ["md", "Markdown", results.includes("record.md")],
      ["pdf", t("pdf"), results.includes("record.pdf")],
      ["record", "JSON", results.includes("record.json")],
    ].filter(([name, , made]) => made && links[name]);
    const raw = this.document.pages.some((one) => one.page === this.page && one.state === "done");
    this.raw = h(
      "a",
      { href: this.address("pages", this.page, "answer"), target: "_blank", rel: "noopener", hidden: !raw },
      t("raw_answer"),
    );
    return h(
      "ul",
      { class: "downloads", "aria-label": t("downloads") },
      there.map(([name, title]) => h("li", {}, h("a", { href: links[name], download: true }, sign("down"), title))),
      h("li", {}, this.raw),
    );
  }

  rerun() {
    const button = h("button", { type: "button", on: { click: () => go() } }, sign("again"), t("rerun"));
    const go = async () => {
      button.disabled = true;
      try {
        await post(path(["documents", this.query.id, "rerun"]));
        say(t("rerun_begun"));
        this.document = { ...this.document, status: "running", reason: null };
        this.draw();
        this.follow();
      } catch (problem) {
        button.disabled = false;
        put(this.alarm, trouble(problem));
      }
    };
    return button;
  }

  bar() {
    this.counted = h("p", { class: "doubts" });
    const next = h(
      "button",
      { type: "button", title: "n", on: { click: () => this.walk(1, doubtful) } },
      t("next_doubtful"),
      sign("next"),
    );
    this.next = next;
    const listed = h("button", { type: "button", class: "quiet", title: "?", on: { click: help } }, t("keys"));
    return this.items.length
      ? h("div", { class: "bar-doubts" }, this.counted, h("div", { class: "deeds" }, next, listed))
      : null;
  }

  /** Show the page that is chosen: picture, values, what is wrong with it. */
  show() {
    const page = this.record?.pages.find((one) => one.page === this.page) ?? null;
    const items = this.items.filter((item) => item.page === this.page);
    this.chosen = null;
    this.viewer.mark(null);
    this.viewer.show(this.address("pages", this.page, "image"), this.page, page, this.record?.document ?? {}, items);
    if (this.record)
      this.results.show(
        [...items],
        this.record.tables.filter((table) => table.page === this.page),
      );
    else put(this.results.element, this.waiting());
    put(
      this.notes,
      this.record?.notes?.length && this.page === 1
        ? h(
            "section",
            { class: "block" },
            h("h2", {}, t("notes")),
            h(
              "ul",
              { class: "notes" },
              this.record.notes.map((note) => h("li", {}, note)),
            ),
          )
        : null,
    );
    this.drawTurner();
    this.drawFindings();
    const done = this.document.pages.some((one) => one.page === this.page && one.state === "done");
    Object.assign(this.raw, { hidden: !done, href: this.address("pages", this.page, "answer") });
  }

  waiting() {
    if (this.document.status !== "running") return empty(t("no_record"), t("no_record_detail"));
    const all = this.document.page_count;
    return h(
      "div",
      { class: "empty", role: "status" },
      h("p", { class: "empty-title" }, t("being_read")),
      h(
        "progress",
        all
          ? { max: all, value: this.document.answered, "aria-label": t("being_read") }
          : { "aria-label": t("being_read") },
      ),
      h("p", {}, t("pages_answered", { answered: this.document.answered, pages: all ?? "?" })),
    );
  }

  drawTurner() {
    const pages = this.pages();
    const state = this.document.pages.find((one) => one.page === this.page);
    const field = h("input", {
      type: "number",
      id: "page",
      min: "1",
      max: String(pages),
      value: String(this.page),
      on: { change: () => this.turn(Number(field.value)), focus: () => field.select() },
    });
    const step = (by, title, mark, key) =>
      h(
        "button",
        {
          type: "button",
          class: "icon",
          "aria-label": title,
          title: `${title} (${key})`,
          disabled: this.page + by < 1 || this.page + by > pages,
          on: { click: () => this.turn(this.page + by) },
        },
        sign(mark),
      );
    const turning = h(
      "div",
      { class: "turning" },
      step(-1, t("previous_page"), "back", "["),
      h("label", { for: "page" }, t("page")),
      field,
      h("span", {}, t("of_pages", { pages })),
      step(1, t("next_page"), "next", "]"),
    );
    const focus = this.turner.contains(document.activeElement) ? document.activeElement : null;
    const open = this.turner.querySelector("details")?.open ?? false;
    put(
      this.turner,
      h(
        "div",
        { class: "turner-line" },
        pages > 1 ? turning : null,
        state && (pages > 1 || state.state !== "done") ? badge(state.state) : null,
        pages > 1 ? this.overview() : null,
      ),
      state?.reason && !this.document.reason
        ? h("div", { class: `panel is-${state.state}` }, reason(state.reason))
        : null,
    );
    this.turner.querySelector("details")?.toggleAttribute("open", open);
    if (focus) this.refocus(focus, field);
  }

  /** Give the focus back to what looks like what had it; else to the number of the page. */
  refocus(had, field) {
    const alike = (one) => one.ariaLabel === had.ariaLabel && one.textContent === had.textContent && !one.disabled;
    ([...this.turner.querySelectorAll("button, summary")].find(alike) ?? field).focus();
  }

  /** The pages that are not done, with their reasons, and a way to each page. */
  overview() {
    const entry = (one) =>
      h(
        "li",
        {},
        h(
          "button",
          {
            type: "button",
            class: "quiet",
            "aria-current": one.page === this.page ? "page" : null,
            on: { click: () => this.turn(one.page) },
          },
          String(one.page),
        ),
        badge(one.state),
        one.reason ? h("span", { class: "help" }, one.reason.message) : null,
      );
    return h(
      "details",
      { class: "overview" },
      h("summary", {}, t("all_pages")),
      h("ol", {}, this.document.pages.map(entry)),
    );
  }

  turn(page) {
    if (!(page >= 1 && page <= this.pages()) || page === this.page) return this.drawTurner();
    if (this.held()) return this.drawTurner();
    this.close();
    this.page = page;
    this.move({ ...this.query, page: page > 1 ? String(page) : "" });
    this.show();
    say(t("page_of", { page, pages: this.pages() }));
    return null;
  }

  drawFindings() {
    const doubts = this.items.filter(doubtful);
    const failed = (this.record?.checks ?? []).filter((check) => !check.passed);
    if (this.counted) put(this.counted, this.verdict(doubts.length));
    if (this.next) this.next.disabled = !doubts.length;
    put(
      this.findings,
      failed.length
        ? h(
            "section",
            { class: "block" },
            h("h2", {}, t("findings"), h("span", { class: "count" }, failed.length)),
            h(
              "ul",
              { class: "checks-failed" },
              failed.map((check) => this.finding(check)),
            ),
          )
        : null,
    );
  }

  /** How much is in doubt; where nothing is, how much of it nothing is known of: that is no praise. */
  verdict(doubts) {
    if (doubts) return [sign("flag"), t("doubts", { count: doubts })];
    const nothing = (this.record?.pages ?? []).filter((one) => one.empty).length;
    if (nothing) return [sign("flag"), t("empty_pages", { count: nothing })];
    if (this.document.pages.some((one) => one.state !== "done")) return [sign("unknown"), t("doubts_of_read")];
    const silent = unmeasured(this.items, this.record?.checks ?? []);
    return silent.length
      ? [sign("unknown"), t("no_measure", { count: silent.length })]
      : [sign("done"), t("no_doubts")];
  }

  finding(check) {
    const about = (check.fields ?? [])
      .map((name) => this.items.find((item) => item.page === (check.page ?? 1) && item.name === name))
      .filter(Boolean);
    const chip = (item) =>
      h("button", { type: "button", class: "chip", on: { click: () => this.go(item) } }, titled(item));
    return h(
      "li",
      {},
      h("p", { class: "finding" }, sign("flag"), check.message || check.rule),
      h("p", { class: "chips" }, h("code", {}, check.rule), about.map(chip)),
    );
  }

  /** Go to the next item (1) or the one before (-1) that `fits`, over pages. */
  walk(step, fits = () => true) {
    const shown = (item) => item.page !== this.page || fits === doubtful || this.results.reachable(item);
    const at = this.chosen ? this.items.indexOf(this.chosen) : -1;
    const start = this.chosen ? at : this.items.findIndex((item) => item.page >= this.page) - (step > 0 ? 1 : 0);
    for (let index = start + step; index >= 0 && index < this.items.length; index += step) {
      const item = this.items[index];
      if (fits(item) && shown(item)) return this.go(item);
    }
    say(t(fits === doubtful ? "no_more_doubts" : "no_more"));
    return fits === doubtful && this.chosen ? this.wrap(step) : null;
  }

  /** From the last doubtful item on to the first, and the other way round. */
  wrap(step) {
    const doubts = this.items.filter(doubtful);
    const item = doubts.at(step > 0 ? 0 : -1);
    return item && item !== this.chosen ? this.go(item) : null;
  }

  go(item) {
    if (item.page !== this.page) this.turn(item.page);
    if (item.page === this.page) this.choose(item, true);
  }

  /** Whether a correction is begun that is neither saved nor cancelled; if so, ask for it. */
  held() {
    if (!this.editor?.changed) return false;
    this.editor.insist();
    return true;
  }

  choose(item, focus = false) {
    if (this.editor && this.editor.item !== item) {
      if (this.held()) return;
      this.close();
    }
    if (this.chosen !== item) {
      this.chosen = item;
      this.viewer.mark(item);
      this.results.choose(item, focus);
    } else if (focus) {
      this.results.choose(item, true);
    }
  }

  edit(item) {
    if (this.held()) return;
    this.close();
    this.choose(item);
    const saved = (value, by) => this.saved(item, value, by);
    this.editor = new Editor({ ...this.document, id: this.query.id }, item, {
      title: titled(item),
      cut: this.viewer.cut(item),
      saved,
      closed: () => this.close(true),
      stale: () => this.anew(item),
    });
    this.results.open(item, this.editor.element);
    this.editor.focus();
  }

  /** Read the newest version again, and go back to what was being corrected. */
  async anew(item) {
    this.close();
    this.query = { ...this.query, version: "" };
    this.move({ ...this.query, page: this.page > 1 ? String(this.page) : "" });
    await this.load();
    const there = this.items.find((one) => one.page === item.page && one.name === item.name);
    if (there) this.go(there);
  }

  close(focus = false) {
    const open = this.editor;
    this.editor = null;
    if (!open) return;
    open.element.remove();
    if (focus) this.results.choose(open.item, true);
  }

  /** Take a correction into what is shown; what the API makes of it is read when it is there. */
  async saved(item, value, by) {
    const corrected = value === null ? null : { value, author: by, at: new Date().toISOString() };
    const renewed = { ...item, corrected, typed: null };
    this.renew(item, renewed);
    this.close();
    this.choose(renewed, true);
    const revision = this.record.revision ?? 0;
    const found = await get(this.address(), this.signal).catch(() => null);
    if (!found?.record || (found.record.revision ?? 0) <= revision || this.editor) return;
    Object.assign(this, { document: found, record: found.record });
    for (const one of itemsOf(found.record)) this.refresh(one);
    this.drawFindings();
  }

  refresh(one) {
    const old = this.items.find((item) => item.page === one.page && item.name === one.name);
    if (old) this.renew(old, one);
  }

  renew(old, item) {
    this.items[this.items.indexOf(old)] = item;
    const focus = document.activeElement;
    const had = old.page === this.page && this.results.rows.get(old)?.element.contains(focus);
    if (old.page === this.page) this.results.renew(old, item);
    this.viewer.renew(item);
    if (this.chosen === old) {
      this.chosen = item;
      this.viewer.mark(item);
      this.results.choose(item, had);
    }
  }
}

function back() {
  return h("p", { class: "back" }, h("a", { href: "#/documents" }, sign("back"), t("documents")));
}
