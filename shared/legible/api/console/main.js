// The console: which view the address names, and what is around every view.

import { documents } from "./documents.js";
import { document_ } from "./document.js";
import { listen, take } from "./drop.js";
import { h, put } from "./dom.js";
import { health } from "./health.js";
import { language, speak, t } from "./language.js";
import { oversight } from "./oversight.js";
import { empty } from "./parts.js";
import { try_ } from "./try.js";
import { upload } from "./uploads.js";

const LANGUAGES = [
  ["en", "English"],
  ["zh", "中文"],
];
const VERSION = /^[\x21-\x7e]{1,512}$/;

const main = h("main", { id: "main", tabindex: "-1" });
const top = h("header", { class: "top" });
let current = new AbortController();
/** Whether the view has what would be lost by leaving it; if so, it asks what to do with it. */
let held = () => false;

/** What the address says: a view, and what it is asked for. */
function place() {
  const [way, tail = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name = "", id = ""] = way.split("/");
  const query = Object.fromEntries(new URLSearchParams(tail));
  if (query.version && !VERSION.test(query.version)) delete query.version;
  if (name === "documents" && id) return { view: document_, section: "documents", query: { ...query, id } };
  if (name === "" || name === "documents") return { view: documents, section: "documents", query };
  if (name === "try") return { view: try_, section: "try", query };
  if (name === "operations") return { view: oversight, section: "operations", query };
  if (name === "health") return { view: health, section: "health", query };
  return { view: lost, section: "", query };
}

function lost(main_) {
  put(
    main_,
    h("h1", { tabindex: "-1" }, t("lost")),
    empty(t("lost_title"), t("lost_detail"), h("a", { href: "#/documents" }, t("to_documents"))),
  );
}

/** Show what the address says; `moved` where somebody went there, so that reading goes on at its heading. */
function show(moved) {
  current.abort();
  current = new AbortController();
  const { view, section, query } = place();
  document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
  document.title = section ? `${titles()[section]} - Legible` : "Legible";
  for (const stray of document.querySelectorAll("dialog")) stray.remove();
  frame(section);
  take(uploadElsewhere, () => t("drop"));
  held = () => false;
  const stay = (asked) => (held = asked);
  view(main, { query, move: (asked) => move(section, asked), stay }, current.signal);
  if (moved) {
    scrollTo(0, 0);
    main.querySelector("h1")?.focus({ preventScroll: true });
  }
}

function uploadElsewhere(files) {
  upload(files, "", {});
  location.hash = "#/documents";
}

/** Change the address to what a view shows by now, without showing it again. */
function move(section, { id = "", ...asked }) {
  const given = Object.entries(asked).filter(([, value]) => value);
  const tail = new URLSearchParams(given).toString();
  history.replaceState(null, "", `#/${section}${id ? `/${id}` : ""}${tail ? `?${tail}` : ""}`);
}

function titles() {
  return { documents: t("documents"), try: t("try"), operations: t("operations"), health: t("health") };
}

function frame(section) {
  const link = ([name, title]) =>
    h("a", { href: `#/${name}`, "aria-current": name === section ? "page" : null }, title);
  const tongue = ([code, title]) =>
    h(
      "button",
      {
        type: "button",
        lang: code === "zh" ? "zh-CN" : "en",
        "aria-pressed": code === language() ? "true" : "false",
        on: { click: () => spoken(code) },
      },
      title,
    );
  const skip = (event) => {
    event.preventDefault();
    main.focus();
  };
  put(
    top,
    h("a", { class: "skip", href: "#main", on: { click: skip } }, t("skip")),
    h(
      "a",
      { class: "mark", href: "#/documents" },
      h("img", { src: new URL("icon.svg", import.meta.url).href, alt: "", width: "24", height: "24" }),
      "Legible",
    ),
    h("nav", { "aria-label": t("views") }, Object.entries(titles()).map(link)),
    h("div", { class: "tongues", role: "group", "aria-label": t("language") }, LANGUAGES.map(tongue)),
  );
}

function spoken(code) {
  if (held()) return;
  speak(code);
  show(false);
  top.querySelector("[aria-pressed=true]").focus();
}

document.body.append(top, main, h("div", { id: "voice", class: "unseen", role: "status" }));
listen();
addEventListener("hashchange", (event) => {
  if (held()) history.replaceState(null, "", event.oldURL);
  else show(true);
});
show(false);
