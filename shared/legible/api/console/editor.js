// The correction of one value: what the page shows, what was recognized, what counts from now on; and what to do where
// somebody else was faster.

import { path, post } from "./api.js";
import { h, put } from "./dom.js";
import { final } from "./items.js";
import { t } from "./language.js";
import { say, trouble } from "./parts.js";

const AUTHOR = "legible.author";

/** Who corrects, as they called themselves before. */
export function author() {
  try {
    return localStorage.getItem(AUTHOR) ?? "";
  } catch {
    return "";
  }
}

/** Remember who corrects. */
export function name(author) {
  try {
    localStorage.setItem(AUTHOR, author);
  } catch {
    // Without storage it is asked for again.
  }
}

export class Editor {
  /** `saved(value, author)` is called when the correction counts, `closed()` when it was given up, `stale()` to read anew. */
  constructor(document, item, { title, cut, saved, closed, stale }) {
    Object.assign(this, { document, item, saved, closed, stale, was: final(item) });
    this.input = h("textarea", {
      id: "correction",
      rows: String(Math.min(8, Math.max(1, this.was.split("\n").length))),
      spellcheck: "false",
      maxlength: "20000",
    });
    this.input.value = this.was;
    this.place = h("div", { class: "editor-answer" });
    this.save = h("button", { type: "submit", class: "primary", title: "Ctrl+Enter" }, t("save"));
    const who = h("input", {
      id: "author",
      value: author(),
      autocomplete: "name",
      maxlength: "100",
      on: { change: () => name(who.value.trim()) },
    });
    this.who = who;
    this.element = h(
      "form",
      {
        class: "editor",
        "aria-label": t("correct_title", { label: title }),
        on: { submit: (event) => (event.preventDefault(), this.send("refuse")), keydown: (event) => this.key(event) },
      },
      cut,
      h("label", { for: "correction" }, t("counts")),
      this.input,
      item.corrected ? h("p", { class: "help" }, t("recognized_as"), " ", h("q", {}, item.recognized)) : null,
      h("div", { class: "editor-who" }, h("label", { for: "author" }, t("your_name")), who),
      h(
        "div",
        { class: "deeds" },
        this.save,
        h("button", { type: "button", on: { click: () => closed() } }, t("cancel")),
        item.corrected
          ? h(
              "button",
              { type: "button", class: "quiet", on: { click: () => this.send("refuse", null) } },
              t("take_back"),
            )
          : null,
      ),
      this.place,
    );
  }

  focus() {
    this.input.focus();
    this.input.select();
  }

  /** Whether something was typed that is not saved. */
  get changed() {
    return this.input.value !== this.was;
  }

  /** Ask to save or cancel first. */
  insist() {
    put(this.place, h("p", { class: "note", role: "alert" }, t("save_first")));
    this.input.focus();
  }

  key(event) {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.closed();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.send("refuse");
    }
  }

  /** Send the correction; `value` null takes the last one back. */
  async send(conflicts, value = this.input.value) {
    if (this.save.disabled) return null;
    if (value === this.was) return this.closed();
    const by = this.who.value.trim();
    name(by);
    this.save.disabled = true;
    put(this.place);
    const edit = { page: this.item.page, name: this.item.name, was: this.was, value };
    const asked = { version: this.document.version, ...(by ? { author: by } : {}), conflicts, edits: [edit] };
    try {
      this.answered(await post(path(["documents", this.document.id, "review"]), asked), value, by);
    } catch (problem) {
      this.refused(problem);
    }
    this.save.disabled = false;
  }

  answered({ applied, already, conflicts, unknown }, value, by) {
    if (conflicts.length && !applied) return this.torn(conflicts[0], value);
    if (unknown.length)
      return put(
        this.place,
        trouble({ title: t("unknown_value"), detail: t("unknown_value_detail") }, () => this.stale()),
      );
    say(t(applied || already ? "saved" : "not_saved"));
    this.saved(value, by);
  }

  refused(problem) {
    const newer = problem.status === 409;
    put(
      this.place,
      trouble(problem),
      newer ? h("button", { type: "button", on: { click: () => this.stale() } }, t("show_newest")) : null,
    );
  }

  /** Somebody else corrected the same value meanwhile: show both, and let one of them be chosen. */
  torn({ theirs, author: other }, value) {
    const mine = h(
      "button",
      { type: "button", class: "primary", on: { click: () => this.send("mine", value) } },
      t("keep_mine"),
    );
    const side = (title, text) =>
      h(
        "div",
        {},
        h("p", { class: "help" }, title),
        h("p", { class: "side" }, text === null ? t("as_recognized") : text || t("nothing")),
      );
    put(
      this.place,
      h(
        "div",
        { class: "conflict", role: "alertdialog", "aria-label": t("conflict") },
        h("p", { class: "trouble-title" }, t("conflict")),
        h(
          "div",
          { class: "sides" },
          side(t("mine"), value),
          side(other ? t("theirs_by", { author: other }) : t("theirs"), theirs),
        ),
        h(
          "div",
          { class: "deeds" },
          mine,
          h("button", { type: "button", on: { click: () => this.stale() } }, t("keep_theirs")),
        ),
      ),
    );
    mine.focus();
  }
}
