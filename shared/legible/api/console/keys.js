// The keys of a document, listed by `?`. Single keys can be switched off for those whose tools type them by themselves.

import { h } from "./dom.js";
import { t } from "./language.js";

const KEPT = "legible.keys";

const LIST = [
  [["j", "↓"], "key_next"],
  [["k", "↑"], "key_previous"],
  [["n"], "key_next_doubtful"],
  [["p"], "key_previous_doubtful"],
  [["e", "Enter"], "key_edit"],
  [["Ctrl+Enter"], "key_save"],
  [["Esc"], "key_cancel"],
  [["]", "["], "key_pages"],
  [["+", "−", "0"], "key_zoom"],
  [["?"], "key_help"],
];

const DEEDS = {
  j: "down",
  ArrowDown: "down",
  k: "up",
  ArrowUp: "up",
  n: "nextDoubtful",
  p: "previousDoubtful",
  e: "edit",
  "]": "nextPage",
  "[": "previousPage",
  "+": "closer",
  "=": "closer",
  "-": "farther",
  0: "fit",
  "?": "help",
};

/** Call the deed of a key that is pressed outside of inputs. */
export function keys(deeds, signal) {
  const pressed = (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!(event.target instanceof Element) || event.target.closest("input, textarea, select, dialog, [role=tablist]"))
      return;
    if (!on() && event.key.length === 1) return;
    if (event.key.startsWith("Arrow") && !event.target.closest(".results")) return; // Elsewhere arrows scroll.
    const deed = deeds[DEEDS[event.key]];
    if (!deed) return;
    event.preventDefault();
    deed();
  };
  document.addEventListener("keydown", pressed, { signal });
}

function on() {
  try {
    return localStorage.getItem(KEPT) !== "off";
  } catch {
    return true;
  }
}

function set(wanted) {
  try {
    localStorage.setItem(KEPT, wanted ? "on" : "off");
  } catch {
    // Without storage single keys stay on.
  }
}

/** Show the list of keys. */
export function help() {
  const toggle = h("input", {
    type: "checkbox",
    id: "single-keys",
    checked: on(),
    on: { change: () => set(toggle.checked) },
  });
  const entry = ([names, key]) => [
    h(
      "dt",
      {},
      names.map((name) => h("kbd", {}, name)),
    ),
    h("dd", {}, t(key)),
  ];
  const dialog = h(
    "dialog",
    { class: "keys", "aria-labelledby": "keys-title", on: { close: () => dialog.remove() } },
    h("h2", { id: "keys-title" }, t("keys")),
    h("dl", {}, LIST.map(entry)),
    h("p", { class: "check" }, toggle, h("label", { for: "single-keys" }, t("single_keys"))),
    h("button", { type: "button", on: { click: () => dialog.close() } }, t("close")),
  );
  document.body.append(dialog);
  dialog.showModal();
}
