// What every view is made of: states with their signs, reasons, problems, empty places, buttons that copy.

import { h, svg } from "./dom.js";
import { t } from "./language.js";

export const STATUSES = ["running", "done", "partial", "held", "rejected", "dead"];

const WORDS = {
  running: "status_running",
  done: "status_done",
  partial: "status_partial",
  held: "status_held",
  rejected: "status_rejected",
  dead: "status_dead",
  waiting: "status_waiting",
  calling: "status_calling",
  ok: "status_ok",
  failed: "status_failed",
  degraded: "status_degraded",
  unknown: "status_unknown",
  sending: "status_sending",
  stopped: "status_stopped",
  normal: "status_normal",
  warning: "status_warning",
  incident: "status_incident",
  subscribed: "subscribed",
  "not-subscribed": "not_subscribed",
  "not-permitted": "not_permitted",
  "not-offered": "not_offered",
  "not-asked": "not_asked",
};

const SIGNS = {
  running: "M8 2a6 6 0 0 1 6 6",
  calling: "M8 2a6 6 0 0 1 6 6",
  sending: "M8 13V4m-3.5 3L8 3.5 11.5 7",
  done: "m3.5 8.5 3 3 6-7",
  ok: "m3.5 8.5 3 3 6-7",
  normal: "m3.5 8.5 3 3 6-7",
  subscribed: "m3.5 8.5 3 3 6-7",
  partial: "M3 11h6M3 7h10",
  degraded: "M3 11h6M3 7h10",
  held: "M5.5 4v8M10.5 4v8",
  waiting: "M8 4v4l2.5 2",
  rejected: "m4 4 8 8m0-8-8 8",
  failed: "m4 4 8 8m0-8-8 8",
  incident: "m4 4 8 8m0-8-8 8",
  "not-subscribed": "m4 4 8 8m0-8-8 8",
  "not-permitted": "m4 4 8 8m0-8-8 8",
  "not-offered": "M4 8h8",
  "not-asked": "M8 4v4l2.5 2",
  stopped: "m4 4 8 8m0-8-8 8",
  dead: "M4 8h8",
  unknown: "M6 6a2 2 0 1 1 2 2v1.5M8 12.2v.1",
  copy: "M6 6h7v7H6zM3 10V3h7",
  down: "M8 3v7m-3-3 3 3 3-3M3 13h10",
  up: "M8 11V4m-3 3 3-3 3 3M3 13h10",
  flag: "M8 4v5M8 12v.1",
  warning: "M8 4v5M8 12v.1",
  back: "M10 3 5 8l5 5",
  next: "m6 3 5 5-5 5",
  again: "M13 8a5 5 0 1 1-1.5-3.5M13 2v3h-3",
  pen: "m3 13 .6-2.8L10.5 3.3l2.2 2.2-6.9 6.9z",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
};

/** Marks that change the direction of text (Unicode, UAX #9). */
const TURNING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The sign of a state or deed, drawn; it says nothing that the text beside it does not. */
export function sign(name) {
  return svg(
    "svg",
    { class: `sign sign-${name}`, viewBox: "0 0 16 16", "aria-hidden": "true" },
    svg("path", { d: SIGNS[name] ?? SIGNS.unknown }),
  );
}

/** The word for a state. */
export function word(state) {
  return state in WORDS ? t(WORDS[state]) : state;
}

/** A state as a word with its sign. */
export function badge(state) {
  return h("span", { class: `badge is-${state in WORDS ? state : "unknown"}` }, sign(state), word(state));
}

/** Why something is not done, and what to do about it. */
export function reason(found) {
  return h(
    "div",
    { class: "reason" },
    h("p", { class: "reason-message" }, found.message),
    advised(found.advice),
    origin(found),
  );
}

function advised(advice) {
  return advice ? h("p", { class: "advice" }, h("strong", {}, t("advice")), " ", advice) : null;
}

function origin({ code, vendor_code, request_id }) {
  const told = [code, vendor_code, request_id && t("request_id", { id: request_id })].filter(Boolean);
  return told.length ? h("p", { class: "origin" }, told.join(" · ")) : null;
}

/** What a Problem says; `again` makes a button that tries again. Another error is shown by its message. */
export function trouble(problem, again) {
  const details = (problem.errors ?? []).map((error) =>
    h("li", {}, typeof error === "string" ? error : (error.detail ?? JSON.stringify(error))),
  );
  const code = problem.status ? `${problem.status} ${(problem.type ?? "").split("/").at(-1)}`.trim() : "";
  return h(
    "div",
    { class: "trouble", role: "alert" },
    h("p", { class: "trouble-title" }, sign("flag"), problem.title ?? t("broken")),
    h("p", {}, problem.detail ?? problem.message),
    details.length ? h("ul", {}, details) : null,
    advised(problem.advice),
    origin({ ...problem, code }),
    again ? h("button", { type: "button", on: { click: again } }, sign("again"), t("try_again")) : null,
  );
}

/** What stands where nothing is: why, and what to do. */
export function empty(title, text, ...deeds) {
  return h("div", { class: "empty" }, h("p", { class: "empty-title" }, title), h("p", {}, text), deeds);
}

/** What stands where something is on its way. */
export function loading() {
  return h("p", { class: "loading", role: "status" }, sign("running"), t("loading"));
}

/** A button that copies what `read` returns. */
export function copier(read) {
  const button = h("button", { type: "button", class: "quiet", on: { click: copy } }, sign("copy"), t("copy"));
  async function copy() {
    const done = await navigator.clipboard?.writeText(read()).then(
      () => true,
      () => false,
    );
    say(done ? t("copied") : t("not_copied"));
    button.lastChild.textContent = done ? t("copied") : t("not_copied");
    setTimeout(() => (button.lastChild.textContent = t("copy")), 2000);
  }
  return button;
}

/** Say something to whoever cannot see it happen. */
export function say(text) {
  const voice = document.getElementById("voice");
  if (voice) voice.textContent = text;
}

/** A key of documents: folders are quiet, the name is not. */
export function keyed(key) {
  const { folder, leaf } = halves(key);
  return h("span", { class: "key" }, folder, leaf);
}

/** A key by its name, as people look for it among many: the name first, its folders behind it. */
export function named(key) {
  const { folder, leaf } = halves(key);
  return h("span", { class: "key named" }, leaf, folder && " ", folder);
}

function halves(key) {
  const cut = key.lastIndexOf("/") + 1;
  const name = key.slice(cut);
  return {
    folder: cut ? h("span", { class: "folder" }, legible(key.slice(0, cut))) : null,
    leaf: h("span", { class: "leaf" }, name.trim() ? legible(name) : JSON.stringify(name)),
  };
}

/** A name with what would turn its letters around told instead: "exe" must not be read as the end of a picture's name. */
function legible(name) {
  return name.replace(TURNING, (letter) => `[U+${letter.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

/** A moment as `shown`, with the exact one behind it. */
export function time(date, shown, exact) {
  return h("time", { datetime: date.toISOString(), title: exact }, shown);
}

/** Tabs: `[{ name, content }]`; content is a node. Arrow keys move, as ARIA's pattern says; the one with the number `first` is open. */
export function tabs(name, entries, first = 0) {
  const prefix = `tab-${name.replace(/\W+/g, "-")}`;
  const panels = entries.map(({ content }, index) =>
    h(
      "div",
      { role: "tabpanel", id: `${prefix}-panel-${index}`, "aria-labelledby": `${prefix}-${index}`, hidden: index !== first },
      content,
    ),
  );
  const buttons = entries.map(({ name: title }, index) =>
    h(
      "button",
      {
        type: "button",
        role: "tab",
        id: `${prefix}-${index}`,
        "aria-controls": `${prefix}-panel-${index}`,
        "aria-selected": index === first ? "true" : "false",
        tabindex: index === first ? "0" : "-1",
        on: { click: () => choose(index) },
      },
      title,
    ),
  );
  function choose(chosen) {
    buttons.forEach((button, index) => {
      button.setAttribute("aria-selected", index === chosen ? "true" : "false");
      button.tabIndex = index === chosen ? 0 : -1;
      panels[index].hidden = index !== chosen;
    });
    buttons[chosen].focus();
  }
  const list = h("div", { role: "tablist", "aria-label": name, on: { keydown } }, buttons);
  function keydown(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) choose((buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length);
  }
  return h("div", { class: "tabs" }, list, panels);
}
