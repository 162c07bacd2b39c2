// What was recognized on one page, as rows that can be walked, looked up on the page, and corrected.

import { h, put } from "./dom.js";
import { doubtful, final, grade } from "./items.js";
import { label, moment, percent, t } from "./language.js";
import { empty, sign } from "./parts.js";
import { GRADES } from "./viewer.js";

/** What an item is called. */
export function titled(item) {
  if (item.kind === "field") return label(item) || item.name;
  if (item.kind === "text") return t("block", { number: item.name.slice(1) });
  return t("cell", { table: label(item) || item.table.name, row: item.cell.row + 1, column: item.cell.column + 1 });
}

export class Results {
  /** `picked` is told the item that was chosen, `pointed` the one pointed at (or null), `edit` the one to correct. */
  constructor({ picked, pointed, edit }) {
    Object.assign(this, { picked, pointed, edit, rows: new Map(), chosen: null });
    this.element = h("div", { class: "page-results" });
  }

  /** Show the items of one page and its tables. */
  show(items, tables) {
    this.rows.clear();
    this.items = items;
    const fields = items.filter((item) => item.kind === "field");
    const told = fields.filter((item) => final(item) !== "" || item.findings.length || item.corrected);
    const silent = fields.filter((item) => !told.includes(item));
    const blocks = items.filter((item) => item.kind === "text");
    put(
      this.element,
      items.length ? null : empty(t("nothing_read"), t("nothing_read_detail")),
      fields.length
        ? section(
            t("fields"),
            told.length,
            told.length
              ? h(
                  "ul",
                  { class: "items" },
                  told.map((item) => this.row(item)),
                )
              : null,
            this.silent(silent),
          )
        : null,
      tables.map((table) => this.table(table, items)),
      blocks.length
        ? section(
            t("text"),
            blocks.length,
            h(
              "ul",
              { class: "items blocks" },
              blocks.map((item) => this.row(item)),
            ),
          )
        : null,
    );
    this.rove(items[0]);
  }

  silent(items) {
    return items.length
      ? h(
          "details",
          {},
          h("summary", {}, t("empty_values", { count: items.length })),
          h(
            "ul",
            { class: "items" },
            items.map((item) => this.row(item)),
          ),
        )
      : null;
  }

  row(item) {
    const element = h("li", { class: rowed(item) });
    this.rows.set(item, { element, slot: element, pick: null });
    return this.drawRow(item);
  }

  drawRow(item) {
    const row = this.rows.get(item);
    row.pick = this.button(
      item,
      item.kind === "text" ? null : [h("span", { class: "label" }, titled(item)), " "],
      value(item),
      marks(item),
    );
    row.element.className = rowed(item);
    return put(row.element, row.pick, remarks(item), this.pencil(item));
  }

  button(item, ...content) {
    const on = {
      click: () => this.picked(item),
      focus: () => this.picked(item, true),
      pointerenter: () => this.pointed(item),
      pointerleave: () => this.pointed(null),
    };
    const button = h(
      "button",
      { type: "button", class: "pick", tabindex: "-1", on: { ...on, keydown: (event) => this.enter(event, item) } },
      content,
    );
    return button;
  }

  enter(event, item) {
    if (event.key !== "Enter") return;
    event.preventDefault();
    this.edit(item);
  }

  pencil(item) {
    return h(
      "button",
      {
        type: "button",
        class: "quiet pencil",
        "aria-label": t("correct_title", { label: titled(item) }),
        on: { click: () => this.edit(item) },
      },
      sign("pen"),
      t("correct"),
    );
  }

  table(table, items) {
    const cells = new Map(
      items.filter((item) => item.table === table).map((item) => [`${item.cell.row},${item.cell.column}`, item]),
    );
    const slot = h("div", { class: "cell-slot" });
    const lines = Array.from({ length: table.rows }, (_, row) =>
      h(
        "tr",
        {},
        Array.from({ length: table.columns }, (_, column) => this.cell(cells.get(`${row},${column}`), table, slot)),
      ),
    );
    const title = label(table) || table.name;
    const shown = h(
      "table",
      { class: "grid" },
      table.header ? h("thead", {}, lines.shift()) : null,
      h("tbody", {}, lines),
    );
    return section(
      title,
      "",
      h("div", { class: "scroll", role: "group", "aria-label": title, tabindex: "0" }, shown),
      slot,
    );
  }

  cell(item, table, slot) {
    if (!item) return null;
    const head = table.header && item.cell.row === 0;
    const element = h(head ? "th" : "td", {
      class: rowed(item),
      scope: head ? "col" : null,
      rowspan: spans(item.cell.row_span),
      colspan: spans(item.cell.column_span),
    });
    this.rows.set(item, { element, slot, pick: null });
    return this.drawCell(item);
  }

  drawCell(item) {
    const row = this.rows.get(item);
    row.pick = this.button(
      item,
      value(item),
      item.findings.length || item.corrected || grade(item.confidence) === "low" ? marks(item) : null,
    );
    row.element.className = rowed(item);
    put(row.element, row.pick);
    return row.element;
  }

  /** Draw one item anew after its correction. */
  renew(old, item) {
    this.rows.set(item, this.rows.get(old));
    if (old !== item) this.rows.delete(old);
    this.items[this.items.indexOf(old)] = item;
    if (item.kind === "cell") this.drawCell(item);
    else this.drawRow(item);
  }

  /** Mark one item as chosen, so that Tab comes back to it; with `focus` go there. */
  choose(item, focus) {
    for (const [one, row] of this.rows) row.element.classList.toggle("chosen", one === item);
    this.rove(item);
    const row = this.rows.get(item);
    row.element.closest("details")?.setAttribute("open", "");
    if (item.kind === "cell") put(row.slot, remarks(item), this.pencil(item));
    if (
      this.chosen &&
      this.chosen !== item &&
      this.rows.get(this.chosen)?.slot !== row.slot &&
      this.chosen.kind === "cell"
    )
      put(this.rows.get(this.chosen).slot);
    this.chosen = item;
    if (focus) row.pick.focus({ preventScroll: false });
  }

  rove(item) {
    for (const [one, row] of this.rows) row.pick.tabIndex = one === item ? 0 : -1;
  }

  /** Light up the row of an item while something points at its box. */
  light(item) {
    for (const [one, row] of this.rows) row.element.classList.toggle("lit", one === item);
  }

  /** Put the editor of an item where it belongs. */
  open(item, editor) {
    const { slot } = this.rows.get(item);
    if (item.kind === "cell") put(slot, editor);
    else slot.append(editor);
  }

  /** Whether an item can be walked to: those in a closed list cannot. */
  reachable(item) {
    const details = this.rows.get(item)?.element.closest("details");
    return !details || details.open;
  }
}

function section(title, count, ...content) {
  return h(
    "section",
    { class: "block" },
    h("h2", {}, title, count === "" ? null : h("span", { class: "count" }, count)),
    content,
  );
}

function spans(number) {
  return number > 1 ? number : null;
}

function rowed(item) {
  const told = item.corrected ? "none" : grade(item.confidence);
  return `item kind-${item.kind} grade-${told}${doubtful(item) ? " doubtful" : ""}`;
}

function value(item) {
  const text = final(item);
  return text === "" ? h("span", { class: "value faint" }, t("nothing")) : h("span", { class: "value" }, text);
}

function marks(item) {
  const told = grade(item.confidence);
  const sure =
    item.confidence === null || item.corrected // What a person wrote has not the confidence of what was recognized.
      ? null
      : h(
          "span",
          { class: `sure grade-${told}`, title: t(GRADES[told]) },
          h("span", { class: "unseen" }, t("confidence"), " "),
          percent(item.confidence),
        );
  const wrong = item.findings.map((one) => one.message).join("\n");
  return h(
    "span",
    { class: "marks" },
    wrong ? h("span", { class: "flag", title: wrong }, sign("flag"), h("span", { class: "unseen" }, wrong)) : null,
    item.corrected ? h("span", { class: "tag" }, t("corrected")) : null,
    sure,
  );
}

function remarks(item) {
  const by = item.corrected;
  const at = by && moment(new Date(by.at));
  const done = by
    ? h(
        "p",
        { class: "help" },
        by.author ? t("corrected_by", { author: by.author, at }) : t("corrected_at", { at }),
        " ",
        t("recognized_as"),
        " ",
        h("q", {}, item.recognized),
      )
    : null;
  const meant =
    item.typed !== null && item.typed !== final(item)
      ? h("p", { class: "help typed" }, t("read_to", { value: item.typed, currency: item.currency }).trim())
      : null;
  return [item.findings.map((one) => h("p", { class: "finding" }, sign("flag"), one.message)), meant, done];
}
