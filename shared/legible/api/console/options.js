// Which operation, and its options as inputs of their type.

import { get, path } from "./api.js";
import { h, put } from "./dom.js";
import { entitled, t } from "./language.js";

const GROUPS = [
  ["fields", "reads_fields"],
  ["table", "reads_table"],
  ["text", "reads_text"],
];

let asked = null;

/** The operations, asked for once. */
export function operations() {
  asked ??= get(path(["operations"])).then(
    (found) => found.operations,
    (problem) => {
      asked = null;
      throw problem;
    },
  );
  return asked;
}

/** A choice of operations that read documents; with `none`, the first entry is none of them. */
export function chooser(found, { id, none = "", chosen = "" }) {
  const offered = found.filter((one) => one.life !== "removed" && one.formats.length);
  const groups = GROUPS.map(([reads, title]) =>
    h("optgroup", { label: t(title) }, offered.filter((one) => one.reads === reads).map(entry)),
  );
  const select = h("select", { id }, none ? h("option", { value: "" }, none) : null, groups);
  if (offered.some((one) => one.slug === chosen)) select.value = chosen;
  return select;
}

function entry(operation) {
  return h(
    "option",
    { value: operation.slug },
    operation.life === "announced" ? t("ending", { title: entitled(operation) }) : entitled(operation),
  );
}

/** The options of one operation as inputs. */
export class Options {
  constructor(prefix) {
    this.prefix = prefix;
    this.element = h("div", { class: "options" });
    this.inputs = [];
  }

  /** Show the options of `operation`; of none where it is undefined. */
  show(operation) {
    this.inputs = (operation?.options ?? []).map((option) => [option, input(option, `${this.prefix}-${option.name}`)]);
    put(
      this.element,
      this.inputs.map(([option, field]) => row(option, field)),
    );
    return this.inputs.length;
  }

  /** The options that were given, each in its type; those left as they are, are left out. */
  values() {
    const given = this.inputs.map(([option, field]) => [option.name, value(option, field)]);
    return Object.fromEntries(given.filter(([, found]) => found !== undefined));
  }
}

function input(option, id) {
  const help = option.help ? `${id}-help` : null;
  const shared = { id, "aria-describedby": help, required: option.required };
  if (option.type === "bool") return h("input", { type: "checkbox", id, "aria-describedby": help });
  if (option.type === "int") return h("input", { type: "number", step: "1", ...shared });
  if (option.type === "float") return h("input", { type: "number", step: "any", ...shared });
  return h("input", {
    type: "text",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: option.type === "list[str]" ? t("list_hint") : option.type === "object" ? "{}" : null,
    ...shared,
  });
}

function row(option, field) {
  const name = h(
    "label",
    { for: field.id },
    h("code", {}, option.name),
    option.required ? h("span", { class: "needed" }, " ", t("required")) : null,
  );
  const help = option.help ? h("p", { class: "help", id: `${field.id}-help` }, option.help) : null;
  return h(
    "div",
    { class: field.type === "checkbox" ? "option check" : "option" },
    field.type === "checkbox" ? [field, name] : [name, field],
    help,
  );
}

function value(option, field) {
  if (option.type === "bool") return field.checked ? true : undefined;
  const text = field.value.trim();
  if (text === "") return undefined;
  if (option.type === "int" || option.type === "float") return Number(text);
  if (option.type === "list[str]")
    return text
      .split(/[,，]/)
      .map((part) => part.trim())
      .filter(Boolean);
  return option.type === "object" ? parsed(text) : text;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text; // The API says what is wrong with it better than a guess here would.
  }
}
