// One operation tried on one file or address: the request, what it answers, and the same as code.

import { get, path, post, send, text, there } from "./api.js";
import { take } from "./drop.js";
import { h, put } from "./dom.js";
import { doubtful, final, grade, heads, itemsOf } from "./items.js";
import { laidOut } from "./json.js";
import { percent, size, t } from "./language.js";
import { Options, chooser, operations } from "./options.js";
import { badge, copier, empty, keyed, loading, reason, say, sign, tabs, trouble } from "./parts.js";
import { titled } from "./results.js";
import { finished } from "./uploads.js";

/** What a request may carry through the gateway; larger files go to the store directly. */
const GATEWAY = 4 * 1000 * 1000;
const WAIT = 20;

/** Show the place to try operations. `query` may name one. */
export function try_(main, { query, move }, signal) {
  put(main, h("header", { class: "head" }, h("h1", { tabindex: "-1" }, t("try"))), loading());
  operations().then(
    (found) => signal.aborted || new View(main, found, query, move, signal).draw(),
    (problem) =>
      put(
        main,
        h("h1", { tabindex: "-1" }, t("try")),
        trouble(problem, () => try_(main, { query, move }, signal)),
      ),
  );
}

class View {
  constructor(main, found, query, move, signal) {
    Object.assign(this, { main, found, move, signal, file: null, id: "", sent: null });
    this.options = new Options("try");
    this.choice = chooser(found, { id: "operation", chosen: query.operation });
    this.about = h("div", { class: "about" });
    this.chosenFile = h("p", { class: "chosen-file" });
    this.picker = h("input", {
      type: "file",
      class: "unseen",
      tabindex: "-1",
      "aria-label": t("file"),
      on: { change: () => this.give([...this.picker.files]) },
    });
    this.url = h("input", {
      type: "url",
      id: "url",
      placeholder: "https://",
      autocomplete: "off",
      spellcheck: "false",
    });
    this.request = h("div", { class: "request" });
    this.result = h("section", { class: "block result", "aria-label": t("result") });
    this.code = h("section", { class: "block", "aria-label": t("code") });
  }

  draw() {
    take(
      (files) => this.give(files),
      () => t("drop_try"),
    );
    put(
      this.main,
      h(
        "header",
        { class: "head" },
        h("div", {}, h("h1", { tabindex: "-1" }, t("try")), h("p", { class: "lead" }, t("try_lead"))),
      ),
      h(
        "div",
        { class: "bench" },
        this.form(),
        h(
          "div",
          { class: "outcome" },
          h("section", { class: "block", "aria-label": t("request") }, h("h2", {}, t("request")), this.request),
          this.result,
          this.code,
        ),
      ),
    );
    this.choice.addEventListener("change", () => this.chosen());
    this.form_.addEventListener("input", () => this.changed());
    put(this.result, h("h2", {}, t("result")), empty(t("not_sent"), t("not_sent_detail")));
    this.chosen();
  }

  form() {
    const kind = (value, title, checked) =>
      h("label", { class: "kind" }, h("input", { type: "radio", name: "source", value, checked }), title);
    this.fromUrl = kind("url", t("address"), false);
    this.fileSide = h(
      "div",
      { class: "source" },
      this.picker,
      h("button", { type: "button", on: { click: () => this.picker.click() } }, sign("up"), t("choose_file")),
      this.chosenFile,
    );
    this.urlSide = h(
      "div",
      { class: "source", hidden: true },
      h("label", { for: "url", class: "unseen" }, t("address")),
      this.url,
    );
    this.submit = h("button", { type: "submit", class: "primary" }, t("send"));
    this.refusal = h("div", {});
    this.form_ = h(
      "form",
      { class: "try-form", on: { submit: (event) => (event.preventDefault(), this.send()) } },
      h("label", { for: "operation" }, t("operation")),
      this.choice,
      this.about,
      h(
        "fieldset",
        {},
        h("legend", {}, t("source")),
        h("div", { class: "kinds" }, kind("file", t("file"), true), this.fromUrl),
        this.fileSide,
        this.urlSide,
      ),
      (this.optionSet = h("fieldset", {}, h("legend", {}, t("options")), this.options.element)),
      this.refusal,
      h("div", { class: "deeds" }, this.submit),
    );
    return this.form_;
  }

  get operation() {
    return this.found.find((one) => one.slug === this.choice.value);
  }

  get byUrl() {
    return this.form_.elements.source.value === "url";
  }

  chosen() {
    const { formats, url, life, slug } = this.operation;
    this.id = "";
    this.move({ operation: slug });
    this.optionSet.hidden = !this.options.show(this.operation);
    this.fromUrl.hidden = !url;
    if (!url) this.form_.elements.source.value = "file";
    put(
      this.about,
      h(
        "p",
        { class: "help" },
        h("code", {}, slug),
        " ",
        t("takes", { formats: formats.join(", ") }),
      ),
      life === "announced" ? h("p", { class: "note" }, t("ending_detail")) : null,
    );
    this.changed();
  }

  give(files) {
    if (!files.length) return;
    this.file = files[0];
    this.form_.elements.source.value = "file";
    put(this.chosenFile, h("strong", {}, this.file.name), " ", h("span", { class: "help" }, size(this.file.size)));
    this.changed();
  }

  changed() {
    this.fileSide.hidden = this.byUrl;
    this.urlSide.hidden = !this.byUrl;
    put(this.refusal);
    this.drawRequest();
    clearTimeout(this.later);
    this.later = setTimeout(() => this.drawCode(), 250);
  }

  get large() {
    return !this.byUrl && this.file !== null && this.file.size > GATEWAY;
  }

  /** What will be sent, as it will be sent. */
  drawRequest() {
    const options = this.options.values();
    const given = { operation: this.operation.slug, ...(Object.keys(options).length ? { options } : {}) };
    const file = this.file ? `<${this.file.name}, ${size(this.file.size)}>` : t("no_file_mark");
    const shown = this.byUrl
      ? ["application/json", JSON.stringify({ url: this.url.value.trim(), ...given }, null, 2)]
      : this.large
        ? ["application/json", JSON.stringify(this.signing(options), null, 2)]
        : [
            "multipart/form-data",
            [
              "file",
              file,
              "operation",
              given.operation,
              ...("options" in given ? ["options", JSON.stringify(options)] : []),
            ].reduce((lines, part, index) => (index % 2 ? `${lines}${part}` : `${lines}${lines && "\n"}${part}: `), ""),
          ];
    const line = this.large ? "POST /v1/uploads" : `POST /v1/documents?wait=${WAIT}`;
    const plain = `${line}\nContent-Type: ${shown[0]}\n\n${shown[1]}`;
    put(
      this.request,
      pre(plain, t("request")),
      this.large ? h("p", { class: "help" }, t("large_file")) : null,
      copier(() => plain),
    );
  }

  signing(options) {
    return {
      name: this.file.name,
      size: this.file.size,
      content_type: this.file.type || "application/octet-stream",
      operation: this.operation.slug,
      ...(Object.keys(options).length ? { options } : {}),
    };
  }

  async drawCode() {
    const slug = this.operation.slug;
    const options = this.options.values();
    try {
      const found = await get(
        path(["operations", slug, "code"], {
          id: this.id,
          options: Object.keys(options).length ? JSON.stringify(options) : "",
        }),
        this.signal,
      );
      const source = found.python + found.curl;
      if (slug !== this.operation.slug || source === this.source) return;
      this.source = source;
      // What is drawn anew keeps the tab that was chosen, and the focus if it was here.
      const chosen = [...this.code.querySelectorAll("[role=tab]")].findIndex((tab) => tab.ariaSelected === "true");
      const held = this.code.contains(document.activeElement);
      put(
        this.code,
        h("h2", {}, t("code")),
        tabs(
          t("code"),
          [
            ["Python", found.python],
            ["curl", found.curl],
          ].map(([name, source]) => ({
            name,
            content: h(
              "div",
              {},
              pre(source, name),
              copier(() => source),
            ),
          })),
          Math.max(chosen, 0),
        ),
      );
      if (held) this.code.querySelector("[role=tab][aria-selected=true]").focus();
    } catch (problem) {
      this.source = null;
      if (problem.name !== "AbortError")
        put(
          this.code,
          h("h2", {}, t("code")),
          trouble(problem, () => this.drawCode()),
        );
    }
  }

  async send() {
    const missing = this.byUrl ? !this.url.value.trim() : !this.file;
    if (missing) {
      put(
        this.refusal,
        h("p", { class: "finding", role: "alert" }, sign("flag"), this.byUrl ? t("no_address") : t("no_file")),
      );
      (this.byUrl ? this.url : this.fileSide.querySelector("button")).focus();
      return;
    }
    this.submit.disabled = true;
    put(this.result, h("h2", {}, t("result")), loading());
    try {
      const found = await this.answered();
      this.id = found.id;
      this.sent = null;
      await this.drawResult(found);
      say(t("finished"));
      this.drawCode();
    } catch (problem) {
      if (problem.name !== "AbortError") put(this.result, h("h2", {}, t("result")), trouble(problem));
    }
    this.submit.disabled = false;
  }

  async answered() {
    const options = this.options.values();
    const told = (status) => put(this.result, h("h2", {}, t("result")), badge(status));
    const begun = this.large
      ? await this.sendLarge(options)
      : await post(path(["documents"], { wait: WAIT }), this.body(options), {
          signal: this.signal,
          headers: { "Idempotency-Key": this.asking(options).once },
        });
    return begun.status && begun.status !== "running" ? begun : finished(begun.id, told, this.signal);
  }

  async sendLarge(options) {
    const request = this.asking(options);
    if (request.signed && (await there(request.signed.id, this.signal))) return request.signed;
    request.signed = await post(path(["uploads"]), this.signing(options), { signal: this.signal });
    await send(request.signed.upload, this.file, () => null, this.signal);
    return request.signed;
  }

  /** What is known of this request: sent again after it failed, it is the same one, and makes no second document. */
  asking(options) {
    const what = JSON.stringify([this.byUrl, this.byUrl && this.url.value.trim(), this.operation.slug, options]);
    const file = this.byUrl ? null : this.file;
    if (this.sent?.what !== what || this.sent.file !== file) this.sent = { what, file, once: once(), signed: null };
    return this.sent;
  }

  body(options) {
    const given = Object.keys(options).length > 0;
    if (this.byUrl)
      return { url: this.url.value.trim(), operation: this.operation.slug, ...(given ? { options } : {}) };
    const form = new FormData();
    form.append("file", this.file, this.file.name);
    form.append("operation", this.operation.slug);
    if (given) form.append("options", JSON.stringify(options));
    return form;
  }

  async drawResult(found) {
    const record = found.record ?? (found.links?.record ? await get(found.links.record, this.signal) : null);
    const items = record ? itemsOf(record) : [];
    const answered = found.pages?.find((one) => one.state === "done");
    const raw = answered
      ? await text(path(["documents", found.id, "pages", answered.page, "answer"]), this.signal).then(laidOut, () => "")
      : "";
    put(
      this.result,
      h("h2", {}, t("result")),
      h(
        "p",
        { class: "result-line" },
        badge(found.status),
        h("a", { href: `#/documents/${found.id}` }, keyed(found.key)),
      ),
      found.reason ? reason(found.reason) : null,
      tabs(t("result"), [
        {
          name: t("fields"),
          content: items.length ? values(items) : empty(t("nothing_read"), t("nothing_read_detail")),
        },
        {
          name: t("raw_answer"),
          content: raw
            ? h(
                "div",
                {},
                pre(raw, t("raw_answer")),
                copier(() => raw),
              )
            : empty(t("no_answer_yet"), t("no_answer_yet_detail")),
        },
      ]),
    );
  }
}

function values(items) {
  const row = (item) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, titled(item)),
      h(
        "td",
        {},
        final(item) || h("span", { class: "faint" }, t("nothing")),
        item.findings.map((one) => h("p", { class: "finding" }, sign("flag"), one.message)),
      ),
      h(
        "td",
        { class: `count sure grade-${grade(item.confidence)}${doubtful(item) ? " doubtful" : ""}` },
        item.confidence === null ? "" : percent(item.confidence),
      ),
    );
  return h(
    "div",
    { class: "scroll", role: "group", tabindex: "0", "aria-label": t("fields") },
    h(
      "table",
      { class: "grid values" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, t("field")),
          h("th", { scope: "col" }, t("value")),
          h("th", { scope: "col", class: "count" }, t("confidence")),
        ),
      ),
      h("tbody", {}, items.filter((item) => !heads(item)).map(row)),
    ),
  );
}

function pre(source, title) {
  return h("pre", { class: "source", tabindex: "0", role: "group", "aria-label": title }, source);
}

function once() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
