// Whether everything that Legible needs is there, and what to do where it is not.

import { get, path } from "./api.js";
import { h, put } from "./dom.js";
import { moment, t } from "./language.js";
import { chooser, operations } from "./options.js";
import { badge, empty, loading, say, sign, trouble } from "./parts.js";

/** Show the checks; the subscription of an operation among them, once one is chosen. */
export function health(main, _, signal) {
  const place = h("div", { class: "health" });
  const choice = h("div", { class: "probe" });
  let select = null;
  let asked = new AbortController();
  const look = () => {
    asked.abort(); // The answer to an earlier choice must not come over that to a later one.
    asked = new AbortController();
    const { signal: mine } = asked;
    signal.addEventListener("abort", asked.abort.bind(asked), { signal: mine });
    check(place, mine, select?.value ?? "");
  };
  const again = h("button", { type: "button", on: { click: look } }, sign("again"), t("check_again"));
  put(main, h("header", { class: "head" }, h("h1", { tabindex: "-1" }, t("health")), again), choice, place);
  operations().then(
    (found) => {
      select = chooser(found, { id: "probe", none: t("probe_none") });
      select.addEventListener("change", look);
      put(choice, h("label", { for: "probe" }, t("probe")), select, h("p", { class: "help" }, t("probe_help")));
    },
    () => null, // The checks say what is wrong.
  );
  look();
}

async function check(place, signal, probe) {
  put(place, loading());
  try {
    const found = await get(path(["health"], { probe }), signal);
    put(
      place,
      summary(found),
      found.checks.length
        ? h("ul", { class: "checks" }, found.checks.map(entry))
        : empty(t("no_checks"), t("no_checks_detail")),
    );
  } catch (problem) {
    if (problem.name !== "AbortError")
      put(
        place,
        trouble(problem, () => check(place, signal, probe)),
      );
  }
}

function summary({ status, version, checks }) {
  const failed = checks.filter((one) => one.status === "failed").length;
  const said = failed ? t("health_failed", { failed, all: checks.length }) : t("health_fine", { all: checks.length });
  say(said);
  return h(
    "div",
    { class: "summary" },
    badge(status),
    h("p", {}, said),
    h("p", { class: "help" }, t("version_at", { version, time: moment(new Date(), { timeStyle: "medium" }) })),
  );
}

function entry({ name, status, message, advice }) {
  return h(
    "li",
    { class: `check-entry is-${status}` },
    h("div", { class: "check-head" }, h("h2", {}, name), badge(status)),
    h("p", {}, message),
    advice ? h("p", { class: "advice" }, h("strong", {}, t("advice")), " ", advice) : null,
  );
}
