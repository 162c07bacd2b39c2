// The audit trail: who did what, by the filters of the vendor's console.

import { get, path } from "./api.js";
import { h, put } from "./dom.js";
import { exactly } from "./figures.js";
import { moment, number, t } from "./language.js";
import { badge, copier, empty, keyed, loading, time, word } from "./parts.js";

const PART = 20;
const BY = { name: "by_name", resource_id: "by_id", resource_name: "by_resource" };
const STATUSES = ["normal", "warning", "incident"];

/** The trail in `place`; `broken` makes what stands there where it cannot be read. */
export function trail(place, signal, broken) {
  const form = new Filters(() => look());
  const found = h("div", { class: "found" });
  put(place, form.element, found);
  let asked = new AbortController();
  function look() {
    asked.abort(); // What was asked for before must not come over it.
    asked = new AbortController();
    signal.addEventListener("abort", asked.abort.bind(asked), { signal: asked.signal });
    show(found, form.values(), asked.signal, broken, look);
  }
  look();
}

async function show(place, asked, signal, broken, again) {
  put(place, loading());
  const rows = h("tbody", {});
  const more = h("div", { class: "pager" });
  async function part(cursor) {
    const found = await get(path(["audit"], { ...asked, limit: PART, cursor }), signal);
    rows.append(...found.events.map(row));
    const next = () => {
      put(more, loading());
      part(found.cursor).catch((problem) => problem.name !== "AbortError" && put(more, broken(problem, next)));
    };
    put(more, found.cursor ? h("button", { type: "button", on: { click: next } }, t("more_events")) : null);
    return found;
  }
  try {
    const found = await part("");
    put(place, head(found), found.events.length ? [table(rows), more] : empty(t("no_events"), t("no_events_detail")));
  } catch (problem) {
    if (problem.name !== "AbortError") put(place, broken(problem, again));
  }
}

/** Where the trail ends by now, and how that is held against what it was. */
function head({ n, sha256, waiting }) {
  const command = `legible audit verify --head ${n}:${sha256}`;
  return [
    waiting ? h("p", { class: "help" }, t("events_wait", { count: number(waiting) })) : null,
    n
      ? h("p", { class: "help head-line" }, t("trail_ends", { n: number(n) }), " ", h("code", {}, command), copier(() => command))
      : null,
  ];
}

function table(rows) {
  const titles = [t("time_utc"), t("event"), t("resource"), t("operator"), t("status")];
  const columns = titles.map((title) => h("th", { scope: "col" }, title));
  return h("table", { class: "list events" }, h("thead", {}, h("tr", {}, columns)), rows);
}

function row(event) {
  const at = new Date(event.at);
  const told = Object.entries(event.details).map(([name, value]) => `${name}: ${value}`);
  return h(
    "tr",
    {},
    h("td", { class: "col-uploaded" }, time(at, exactly(at), moment(at, { dateStyle: "full", timeStyle: "long" }))),
    h(
      "th",
      { scope: "row" },
      h("span", { class: "event-name" }, event.name),
      h("span", { class: "help" }, ` ${event.service}`),
      told.length ? h("details", {}, h("summary", {}, t("details")), h("p", { class: "origin" }, told.join(" · "))) : null,
    ),
    h("td", {}, event.resource_name ? keyed(event.resource_name) : event.resource_id, h("span", { class: "help" }, ` ${event.resource_type}`)),
    h("td", {}, event.operator),
    h("td", { class: "col-status" }, badge(event.status)),
  );
}

/** What is searched by; an empty input asks for any. */
class Filters {
  constructor(ask) {
    const choice = (values, name) => h("select", { id: `audit-${name}` }, h("option", { value: "" }, t("any")), values);
    const text = (name) => h("input", { id: `audit-${name}`, autocomplete: "off", maxlength: "1000" });
    this.inputs = {
      service: choice(["Legible", "OCR"].map((one) => h("option", {}, one)), "service"),
      resource_type: text("resource_type"),
      by: h("select", { id: "audit-by" }, Object.entries(BY).map(([value, title]) => h("option", { value }, t(title)))),
      sought: text("sought"),
      operator: text("operator"),
      status: choice(STATUSES.map((one) => h("option", { value: one }, word(one))), "status"),
      since: h("input", { id: "audit-since", type: "date" }),
      until: h("input", { id: "audit-until", type: "date" }),
    };
    const labels = {
      service: t("trace_source"), resource_type: t("resource_type"), by: t("search_by"), sought: t("sought"),
      operator: t("operator"), status: t("status"), since: t("since"), until: t("until"),
    };
    const submit = (event) => {
      event.preventDefault();
      ask();
    };
    const entry = ([name, input]) => h("div", {}, h("label", { for: input.id }, labels[name]), input);
    const deed = h("button", { type: "submit" }, t("search"));
    this.element = h("form", { class: "audit-filters", on: { submit } }, Object.entries(this.inputs).map(entry), deed);
  }

  /** The query; days are those of UTC, both included. */
  values() {
    const given = Object.fromEntries(Object.entries(this.inputs).map(([name, input]) => [name, input.value.trim()]));
    const { by, sought, since, until, ...asked } = given;
    const after = until && new Date(+new Date(`${until}T00:00:00Z`) + 86400000).toISOString();
    return { ...asked, [by]: sought, since: since && `${since}T00:00:00Z`, until: after };
  }
}
