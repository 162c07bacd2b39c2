// Files dropped anywhere on the page; each view says what becomes of them.

import { h, put } from "./dom.js";
import { t } from "./language.js";

let taken = null;
let depth = 0;
const veil = h("div", { class: "veil", hidden: true });

/** From now on give dropped files to `taker`; `where` says, in words, what will happen. */
export function take(taker, where) {
  taken = { taker, where };
}

/** Listen on the whole page; called once. */
export function listen() {
  document.body.append(veil);
  addEventListener("dragenter", (event) => cover(event, 1));
  addEventListener("dragleave", (event) => cover(event, -1));
  addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth = 0;
    veil.hidden = true;
    const files = [...event.dataTransfer.files];
    if (files.length) taken?.taker(files);
  });
}

function cover(event, step) {
  if (!holdsFiles(event)) return;
  depth = Math.max(0, depth + step);
  put(veil, h("p", {}, taken?.where() ?? t("drop")));
  veil.hidden = depth === 0;
}

function holdsFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}
