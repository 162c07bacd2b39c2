// Operations: what was used and what it cost, what is left, whether the service counted the same, who did what.

import { get, path } from "./api.js";
import { h, put } from "./dom.js";
import { barChart, columnChart, dated, day, exactly, filled, spans } from "./figures.js";
import { entitled, language, locale, number, t } from "./language.js";
import { operations } from "./options.js";
import { badge, empty, loading, say, sign, STATUSES, word } from "./parts.js";
import { remarked, usedBy } from "./remarks.js";
import { trail } from "./trail.js";
import { undone } from "./undone.js";

const RANGES = [7, 30, 90, 400];
const DAY = 86400000;
/** So many differences are shown; `legible reconcile` has all. */
const MOST_SHOWN = 100;
const CAUSES = {
  unknown: "cause_unknown",
  probes: "cause_probes",
  throttled: "cause_throttled",
  "other-programs": "cause_others",
};

/** Show each section as soon as it is there; one that cannot be had says why in a line, and takes no other along. */
export function oversight(main, { query, move }, signal) {
  const asked = Number(query.days);
  const range = h("select", { id: "range" }, RANGES.map((days) => h("option", { value: days }, t("last_days", { days }))));
  range.value = String(RANGES.includes(asked) ? asked : 30);
  const again = h("button", { type: "button", on: { click: look } }, sign("again"), t("refresh"));
  const deeds = h("div", { class: "head-deeds" }, h("label", { for: "range" }, t("range")), range, again);
  const places = Object.fromEntries(
    ["sum", "undone", "usage", "cost", "accounts", "packages", "subscriptions", "reconciliation", "audit"].map((name) => [
      name,
      h("div", { class: "part" }),
    ]),
  );
  put(main, h("header", { class: "head" }, h("h1", { tabindex: "-1" }, t("operations")), deeds), sections(places));
  const period = renewed(signal);
  const rest = renewed(signal);
  function used() {
    const mine = period();
    const first = new Date(Date.now() - (Number(range.value) - 1) * DAY).toISOString().slice(0, 10);
    counted(places, first, mine);
    fill(places.accounts, mine, () => get(path(["accounts"], { first }), mine), byProject);
  }
  function look() {
    const mine = rest();
    used();
    fill(places.sum, mine, () => get(path(["status"]), mine), sum);
    fill(places.packages, mine, () => get(path(["packages"]), mine), packages);
    const subscribed = () => Promise.all([get(path(["subscriptions"]), mine), named()]);
    fill(places.subscriptions, mine, subscribed, ([found, titles]) => subscriptions(found, titles, mine));
    fill(places.reconciliation, mine, () => get(path(["reconciliation"]), mine), reconciliation);
    undone(places.undone, mine, line);
    trail(places.audit, mine, line);
  }
  range.addEventListener("change", () => {
    move({ days: range.value });
    used();
  });
  look();
}

/** What makes a signal anew each time, and ends the one before: an earlier answer must not come over a later one. */
function renewed(signal) {
  let current = new AbortController();
  signal.addEventListener("abort", () => current.abort());
  return () => {
    current.abort();
    current = new AbortController();
    return current.signal;
  };
}

function sections(places) {
  const titles = {
    sum: [t("all_documents"), t("sum_source")],
    undone: [t("undone"), t("undone_source")],
    usage: [t("usage"), t("usage_source")],
    cost: [t("cost"), t("cost_source")],
    packages: [t("packages"), t("packages_source")],
    subscriptions: [t("subscriptions"), t("subscriptions_source")],
    reconciliation: [t("reconciliation"), t("reconciliation_source")],
    audit: [t("audit"), t("audit_source")],
  };
  return Object.entries(titles).map(([name, [title, source]]) =>
    h(
      "section",
      { class: "oversight", "aria-labelledby": `part-${name}` },
      h("h2", { id: `part-${name}` }, title),
      name === "cost" ? [places.cost, places.accounts] : places[name],
      h("p", { class: "help" }, source),
    ),
  );
}

/** Why a section is not there, in a line. */
function line(problem, again) {
  const said = [problem.detail || problem.message, problem.advice].filter(Boolean).join(" ");
  const colon = language() === "zh" ? "：" : ": ";
  const button = h("button", { type: "button", class: "quiet", on: { click: again } }, t("try_again"));
  return h("p", { class: "refusal" }, sign("flag"), h("span", {}, `${problem.title}${colon}${said} `, problem.status === 403 ? null : button));
}

async function fill(place, signal, ask, draw) {
  put(place, loading());
  try {
    const found = await ask();
    if (!signal.aborted) put(place, draw(found));
  } catch (problem) {
    if (problem.name !== "AbortError") put(place, line(problem, () => fill(place, signal, ask, draw)));
  }
}

/** What one request tells: usage and cost. */
async function counted(places, first, signal) {
  const mine = [places.usage, places.cost];
  for (const place of mine) put(place, loading());
  try {
    const [found, titles] = await Promise.all([get(path(["usage"], { first }), signal), named()]);
    if (signal.aborted) return;
    put(places.usage, usage(found, titles), remarks(found.notes));
    put(places.cost, cost(found, titles));
    say(t("as_of", { time: exactly(found.as_of) }));
  } catch (problem) {
    if (problem.name === "AbortError") return;
    for (const place of mine) put(place, line(problem, () => counted(places, first, signal)));
  }
}

/** The title of each operation by its slug; where that cannot be had, slugs do. */
async function named() {
  const found = await operations().catch(() => []);
  const titles = new Map(found.map((one) => [one.slug, entitled(one)]));
  return (slug) => titles.get(slug) ?? slug;
}

function tile(value, label, kind = "") {
  return h("div", { class: `tile ${kind}` }, h("dt", {}, label), h("dd", {}, value));
}

/** All documents: what was uploaded is the sum of how they stand. */
function sum({ total, skipped, unread, as_of, notes: told }) {
  const parts = STATUSES.map((status) => tile(number(total[status]), badge(status)));
  const beside = t("sum_as_of", { time: exactly(as_of), skipped: number(skipped), unread: number(unread) });
  return [
    h("dl", { class: "sum equation" }, tile(number(total.uploaded), t("uploaded_in_all"), "whole"), parts),
    h("p", {}, beside),
    remarks(told),
  ];
}

function usage({ days, operations: rows, projects, routes, ends, first, last }, titles) {
  if (!days.length && !ends.length) return empty(t("no_calls"), t("no_calls_detail"));
  const series = [
    ["succeeded", "done", t("succeeded")],
    ["failed", "failed", t("failed_calls")],
    ["unknown", "partial", t("unknown_calls")],
  ];
  const ended = STATUSES.map((status) => [status, status, word(status)]);
  const all = (name) => number(days.reduce((total, row) => total + row[name], 0));
  const counts = ({ succeeded, failed, unknown }) => ({ succeeded, failed, unknown });
  const { each, columns } = spans(first, last);
  const over = (what) => t(each === 1 ? "each_day" : "each_days", { what, days: each });
  const ranked = (title, what, found, shown) =>
    barChart({ title, what, series, rows: found.map((row) => ({ name: shown(row.name), values: counts(row) })) });
  return [
    h(
      "dl",
      { class: "sum" },
      tile(all("calls"), t("calls"), "whole"),
      series.map(([name, , label]) => tile(all(name), label)),
      tile(all("not_needed"), t("not_needed")),
      tile(all("pages"), t("pages_with_answer")),
    ),
    h(
      "div",
      { class: "figures" },
      columnChart({ title: t("calls_over_time"), unit: over(t("calls")), series, columns: filled(columns, days, counts) }),
      columnChart({
        title: t("ends_over_time"),
        unit: over(t("documents")),
        series: ended,
        columns: filled(spans(first, last).columns, ends, (row) => row.counts),
      }),
    ),
    h(
      "div",
      { class: "figures" },
      ranked(t("calls_by_operation"), t("operation"), rows, titles),
      ranked(t("calls_by_project"), t("project"), projects, (name) => name || t("no_project")),
      ranked(t("calls_by_route"), t("route"), routes, (name) => name || t("no_route_known")),
    ),
  ];
}

function cost({ months, costs, currency }, titles) {
  const priced = costs.filter((one) => one.billed > one.unpriced + one.packaged);
  const unpriced = costs.reduce((sum, one) => sum + one.unpriced, 0);
  const perhaps = costs.reduce((sum, one) => sum + one.perhaps, 0);
  const write = money(currency);
  const total = (found) => found.reduce((sum, one) => sum + Number(one.amount), 0);
  const series = [["amount", "running", t("amount")]];
  const remarks = [
    unpriced ? t("unpriced", { count: number(unpriced) }) : "",
    perhaps ? t("perhaps", { count: number(perhaps) }) : "",
  ];
  if (!costs.length) return empty(t("no_cost"), t("no_calls_detail"));
  if (!priced.length) return [empty(t(unpriced ? "no_price" : "no_cost"), t(unpriced ? "no_price_detail" : "all_packaged")), notes(remarks)];
  const values = (one) => ({ amount: Number(one.amount) });
  return [
    h("dl", { class: "sum" }, tile(write(total(costs)), t("pay_per_use"), "whole")),
    h(
      "div",
      { class: "figures" },
      columnChart({
        title: t("cost_over_time"),
        unit: t("each_month", { what: currency }),
        series,
        columns: months.map((one) => ({ from: day(one.name), to: day(one.name), values: values(one) })),
        dates: { year: "numeric", month: "short" },
        write,
      }),
      barChart({
        title: t("cost_by_operation"),
        what: t("operation"),
        series,
        rows: priced.map((one) => ({ name: titles(one.name), values: values(one) })).sort((a, b) => b.values.amount - a.values.amount),
        write,
      }),
    ),
    notes(remarks),
  ];
}

function money(currency) {
  const style = { style: "currency", currency, maximumFractionDigits: 4 };
  return (amount) => new Intl.NumberFormat(locale(), style).format(amount);
}

/** What each enterprise project cost: its part of each operation's cost in each month. */
function byProject({ projects, names, currency, notes: told }) {
  const priced = projects.filter((one) => Number(one.amount));
  const name = (id) => (id && id !== "0" ? (names[id] ?? id) : t("default_project"));
  const rows = priced.map((one) => ({ name: name(one.project), values: { amount: Number(one.amount) } }));
  rows.sort((one, other) => other.values.amount - one.values.amount);
  const series = [["amount", "running", t("amount")]];
  const chart = () =>
    barChart({ title: t("cost_by_project"), what: t("project"), series, rows, write: money(currency) });
  return [rows.length ? h("div", { class: "figures" }, chart()) : null, remarks(told)];
}

function packages({ packages: found, warnings, notes: told, as_of }) {
  const facts = (one) => [
    one.runs_out ? t("runs_out", { day: dated(day(one.runs_out)) }) : t("runs_not_out"),
    t("rates", { week: number(one.week), month: number(one.month) }),
    one.ends ? t("expires", { day: dated(day(one.ends)) }) : null,
    one.estimated ? t("by_ledger") : t("by_billing"),
  ];
  const entry = (one) =>
    h(
      "li",
      {},
      h("p", { class: "check-head" }, h("strong", {}, one.name), h("span", { class: "count" }, t("left_of", { left: number(one.left), size: number(one.size) }))),
      h("progress", { max: one.size, value: Math.min(one.size, Math.max(0, one.left)), "aria-label": t("left", { name: one.name }) }),
      h("p", { class: "help" }, facts(one).filter(Boolean).join(" · ")),
    );
  return [
    warnings.map((text) => h("p", { class: "refusal", lang: "en" }, sign("flag"), h("span", {}, text))),
    found.length ? h("ul", { class: "stock" }, found.map(entry)) : empty(t("no_packages"), t("no_packages_detail")),
    remarks(told),
    h("p", { class: "help" }, t("as_of", { time: exactly(as_of) })),
  ];
}

/** Which operations in use may be called: asked one after another, and only if somebody wants to know. */
function subscriptions({ subscriptions: found, held }, titles, signal) {
  const stuck = (one) => held.some(({ operation, region }) => operation === one.operation && region === one.region);
  const alone = held.filter((one) => !found.some(({ operation, region }) => operation === one.operation && region === one.region));
  const rows = [...found, ...alone.map((one) => ({ ...one, used_by: [], state: "not-asked", said: "", advice: [] }))];
  rows.sort((one, other) => stuck(other) - stuck(one));
  if (!rows.length) return empty(t("no_operation_used"), t("no_operation_used_detail"));
  const list = h("ul", { class: "checks" }, rows.map((one) => subscription(one, titles, stuck(one))));
  const button = h("button", { type: "button", on: { click: ask } }, t("ask_subscriptions", { count: number(rows.length) }));
  async function ask() {
    button.disabled = true;
    for (const [index, one] of rows.entries()) {
      const said = await asked(one, signal);
      if (signal.aborted) return;
      list.children[index].replaceWith(subscription({ ...said, used_by: one.used_by }, titles, stuck(one)));
    }
    button.disabled = false;
    say(t("subscriptions_asked", { count: number(rows.length) }));
  }
  const box = { class: "scroll asked", tabindex: "0", role: "group", "aria-label": t("subscriptions") };
  return [h("div", { class: "deeds" }, button), h("div", box, list)];
}

async function asked(one, signal) {
  try {
    const { subscriptions: found } = await get(path(["subscriptions"], { operation: one.operation }), signal);
    return found[0];
  } catch (problem) {
    return { ...one, state: "unknown", said: problem.detail || problem.message, advice: [problem.advice] };
  }
}

function subscription({ operation, region, used_by, state, said, advice }, titles, stuck) {
  const name = h("span", { class: "subscribed" }, titles(operation), " ", h("code", {}, operation));
  const steps = advice.filter(Boolean);
  return h(
    "li",
    { class: `check-entry is-${state}` },
    h("div", { class: "check-head" }, name, badge(state)),
    h("p", { class: "help" }, [region, ...used_by.map(usedBy)].join(" · ")),
    stuck ? h("p", { class: "note" }, t("holds_up")) : null,
    said ? h("p", {}, said) : null,
    steps.length ? h("ol", {}, steps.map((step) => h("li", {}, step))) : null,
  );
}

function reconciliation({ begin, end, ledger, service, moved, differences, unmapped, notes: told }) {
  const unexplained = differences.reduce((sum, one) => sum + (one.kind === "succeeded" ? one.unexplained : 0), 0);
  const unnamed = Object.values(unmapped).reduce((sum, count) => sum + count, 0);
  const said = { begin: exactly(begin), end: exactly(end), ledger: number(ledger), service: number(service) };
  const cell = (name, text, kind = "") => h("td", { class: kind, "data-title": name }, text);
  const row = (one) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, exactly(one.begin)),
      cell(t("operation"), one.operation),
      cell(t("calls_that"), one.kind === "succeeded" ? t("succeeded") : t("failed_calls")),
      cell(t("ledger"), number(one.ledger), "count"),
      cell(t("service"), number(one.service), "count"),
      cell(t("what_is_known"), known(one)),
    );
  const titles = [t("hour"), t("operation"), t("calls_that"), t("ledger"), t("service"), t("what_is_known")];
  return [
    h("p", {}, t("reconciled", { ...said, count: number(unexplained + unnamed) }), moved ? ` ${t("moved", { count: number(moved) })}` : ""),
    differences.length
      ? h(
          "table",
          { class: "list differences" },
          h("thead", {}, h("tr", {}, titles.map((title) => h("th", { scope: "col" }, title)))),
          h("tbody", {}, differences.slice(0, MOST_SHOWN).map(row)),
        )
      : ledger || service
        ? empty(t("no_difference"), t("no_difference_detail"))
        : empty(t("nothing_compared"), t("nothing_compared_detail")),
    differences.length > MOST_SHOWN ? h("p", { class: "note" }, t("more_differences", { count: number(differences.length - MOST_SHOWN) })) : null,
    remarks(told),
  ];
}

function known({ direction, causes, unexplained }) {
  const more = direction === "service-counted-more" ? t("service_more") : t("ledger_more");
  const told = causes.map(({ cause, count }) => t(CAUSES[cause] ?? "cause_other", { count: number(count), cause }));
  if (unexplained) told.push(t("not_explained", { count: number(unexplained) }));
  return h("span", { class: unexplained ? "unexplained" : "" }, `${more}: ${told.join(language() === "zh" ? "；" : "; ")}`);
}

function notes(texts) {
  const found = texts.filter(Boolean);
  return found.length ? h("ul", { class: "notes" }, found.map((text) => h("li", {}, text))) : null;
}

/** What the API remarks: as this language says it, else as it is, marked as English. */
function remarks(texts) {
  const item = (text) => (remarked(text) ? h("li", {}, remarked(text)) : h("li", { lang: "en" }, text));
  return texts.length ? h("ul", { class: "notes" }, texts.map(item)) : null;
}
