// Documents that are not done, by their causes; those of one are tried once more after somebody saw what that costs.

import { get, path, post } from "./api.js";
import { h, put } from "./dom.js";
import { exactly } from "./figures.js";
import { number, t } from "./language.js";
import { badge, empty, loading, say, sign } from "./parts.js";

/** So many causes are shown; `legible dead` has all. */
const MOST_SHOWN = 50;

/** Show the causes; `line` tells why they are not there. */
export async function undone(place, signal, line) {
  put(place, loading());
  try {
    const found = await get(path(["dead"], { limit: 0 }), signal);
    if (!signal.aborted) put(place, causes(found, signal, () => undone(place, signal, line)));
  } catch (problem) {
    if (problem.name !== "AbortError") put(place, line(problem, () => undone(place, signal, line)));
  }
}

function causes({ causes: found, unread }, signal, again) {
  if (!found.length) return empty(t("no_undone"), t("no_undone_detail"));
  const titles = [t("cause"), t("documents"), t("status"), t("last_end"), t("another_try"), ""];
  return [
    h(
      "table",
      { class: "list causes" },
      h("thead", {}, h("tr", {}, titles.map((title) => (title ? h("th", { scope: "col" }, title) : h("td", {}))))),
      h("tbody", {}, found.slice(0, MOST_SHOWN).map((one) => row(one, signal, again))),
    ),
    found.length > MOST_SHOWN ? h("p", { class: "note" }, t("more_causes", { count: number(found.length - MOST_SHOWN) })) : null,
    unread ? h("p", { class: "note" }, t("undone_unread", { count: number(unread) })) : null,
  ];
}

function row(one, signal, again) {
  const cell = (name, content, kind = "") => h("td", { class: kind, "data-title": name }, content);
  const name = [h("code", {}, one.code), one.vendor_code ? [" ", h("code", {}, one.vendor_code)] : null];
  const deed = h("td", { class: "deeds" });
  offer(deed, one, signal, again);
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name, one.example ? h("p", { class: "help", lang: "en" }, one.example) : null),
    cell(t("documents"), number(one.documents), "count"),
    cell(t("status"), Object.keys(one.statuses).sort().map((status) => badge(status))),
    cell(t("last_end"), exactly(one.last)),
    cell(t("another_try"), price(one.cost), "count"),
    deed,
  );
}

function price({ calls, amount, currency }) {
  const counted = t("calls_count", { count: number(calls) });
  return amount === null ? counted : `${counted} · ${currency} ${amount}`;
}

/** A button that first asks what it would cost; what has no code has no name to be tried by. */
function offer(place, one, signal, again) {
  const reason = one.code || one.vendor_code;
  const button = h("button", { type: "button", on: { click: ask } }, sign("again"), t("run_again"));
  put(place, reason ? button : null);
  const said = (problem) => put(place, h("p", { class: "refusal" }, problem.detail || problem.message), button);
  const wanted = (more) => post(path(["redrives"]), { reasons: [reason], ...more }, { signal });
  async function ask() {
    button.disabled = true;
    try {
      const plan = await wanted({ dry_run: true });
      const yes = h("button", { type: "button", on: { click: () => run(plan, yes) } }, t("run_these_again"));
      const no = h("button", { type: "button", class: "quiet", on: { click: () => offer(place, one, signal, again) } }, t("cancel"));
      put(place, h("p", {}, t("would_run_again", { count: number(plan.chosen), price: price(plan.cost) })), yes, no);
      yes.focus();
    } catch (problem) {
      if (problem.name !== "AbortError") said(problem);
    }
    button.disabled = false;
  }
  async function run(plan, yes) {
    yes.disabled = true;
    try {
      const done = await wanted({ max_calls: plan.cost.calls });
      say(t("runs_again", { count: number(done.moved) }));
      again();
    } catch (problem) {
      if (problem.name !== "AbortError") said(problem);
    }
  }
}
