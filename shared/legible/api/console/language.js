// What the console says, in the language of whoever reads it; dates, numbers and sizes as that language writes them.

import { STRINGS } from "./strings.js";

const KEPT = "legible.language";
const LOCALES = { en: "en", zh: "zh-CN" };

let current = remembered() ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");

/** The language in use: `en` or `zh`. */
export function language() {
  return current;
}

/** The BCP 47 tag of the language in use. */
export function locale() {
  return LOCALES[current];
}

/** Use another language from now on, here and at the next visit. */
export function speak(chosen) {
  current = chosen;
  try {
    localStorage.setItem(KEPT, chosen);
  } catch {
    // Without storage it holds until the page is left.
  }
}

function remembered() {
  try {
    const kept = localStorage.getItem(KEPT);
    return kept in LOCALES ? kept : null;
  } catch {
    return null;
  }
}

/** Return the text of `key`; `{name}` in it is replaced by `values.name`. */
export function t(key, values = {}) {
  return STRINGS[current][key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Return the label of a field, option or column in the language in use. */
export function label(named) {
  return (current === "zh" && named.label_zh) || named.label;
}

/** Return the title of an operation in the language in use. */
export function entitled(operation) {
  return (current === "zh" && operation.title_zh) || operation.title;
}

/** Write a number. */
export function number(value) {
  return new Intl.NumberFormat(locale()).format(value);
}

/** Write a share of 1 as a percentage; rounded down, so that 100 % means all of it. */
export function percent(share) {
  return new Intl.NumberFormat(locale(), { style: "percent" }).format(Math.floor(share * 100) / 100);
}

/** Write a size in bytes; of what is not there any more nobody knows it. */
export function size(bytes) {
  if (bytes === null) return "";
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  const style = {
    style: "unit",
    unit: units[power],
    unitDisplay: power ? "short" : "long",
    maximumFractionDigits: power > 1 ? 1 : 0,
  };
  return new Intl.NumberFormat(locale(), style).format(bytes / 1000 ** power);
}

/** Write a moment: day and minute, or as `options` of Intl.DateTimeFormat say. */
export function moment(date, options = { dateStyle: "medium", timeStyle: "short" }) {
  return new Intl.DateTimeFormat(locale(), options).format(date);
}

/** Write how long ago a moment of the last day was; older ones as a date. */
export function ago(date) {
  const seconds = (Date.now() - date.getTime()) / 1000;
  if (seconds >= 86400 || seconds < -60) return moment(date);
  const relative = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
  if (seconds < 60) return relative.format(-Math.max(0, Math.round(seconds)), "second");
  if (seconds < 3600) return relative.format(-Math.round(seconds / 60), "minute");
  return relative.format(-Math.round(seconds / 3600), "hour");
}
