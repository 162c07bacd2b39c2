// Documents a day by status: a small drawing, and the same numbers as a table.

import { h, svg } from "./dom.js";
import { moment, number, t } from "./language.js";
import { STATUSES, word } from "./parts.js";

export const DAYS = 14;
const WIDTH = 560;
const HEIGHT = 100;
const GAP = 8;

/** The days of the chart, oldest first, each with the number of documents by status. */
export function days(documents, today = new Date()) {
  const found = Array.from({ length: DAYS }, (_, index) => {
    const date = new Date(today.getFullYear(), today.getMonth(), today.getDate() - (DAYS - 1 - index));
    return { date, total: 0, by: Object.fromEntries(STATUSES.map((status) => [status, 0])) };
  });
  const places = new Map(found.map((day) => [day.date.toDateString(), day]));
  for (const { uploaded_at, status } of documents) {
    const day = places.get(new Date(uploaded_at).toDateString());
    if (day && status in day.by) {
      day.by[status] += 1;
      day.total += 1;
    }
  }
  return found;
}

/** The chart with its legend and its table; `note` says what it does not show. */
export function chart(found, note) {
  const shown = STATUSES.filter((status) => found.some((day) => day.by[status]));
  const total = found.reduce((sum, day) => sum + day.total, 0);
  return h(
    "figure",
    { class: "chart" },
    h(
      "figcaption",
      {},
      h("span", { class: "chart-title" }, t("chart_title", { days: DAYS })),
      h("span", { class: "chart-total" }, t("chart_total", { total: number(total) })),
    ),
    drawing(found, shown, total),
    h(
      "div",
      { class: "chart-foot" },
      h(
        "ul",
        { class: "legend" },
        shown.map((status) => legend(status, found)),
      ),
      note ? h("p", { class: "help" }, note) : null,
    ),
    h(
      "details",
      {},
      h("summary", {}, t("chart_table")),
      h(
        "div",
        { class: "scroll", tabindex: "0", role: "group", "aria-label": t("chart_title", { days: DAYS }) },
        table(found, shown),
      ),
    ),
  );
}

function drawing(found, shown, total) {
  const most = Math.max(1, ...found.map((day) => day.total));
  const step = WIDTH / found.length;
  const bars = found.map((day, index) => bar(day, index * step + GAP / 2, step - GAP, most, shown));
  const said = t("chart_said", { total: number(total), days: DAYS });
  const ends = [found[0], found[Math.floor(found.length / 2)], found.at(-1)];
  return [
    svg(
      "svg",
      {
        class: "bars",
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": said,
      },
      bars,
    ),
    h(
      "p",
      { class: "marks-of-days", "aria-hidden": "true" },
      ends.map(({ date }) => h("span", {}, moment(date, { month: "short", day: "numeric" }))),
    ),
  ];
}

function bar(day, x, width, most, shown) {
  let top = HEIGHT;
  const said = shown.filter((status) => day.by[status]).map((status) => `${word(status)}: ${day.by[status]}`);
  const parts = shown.map((status) => {
    const height = (day.by[status] / most) * (HEIGHT - 4);
    top -= height;
    return height
      ? svg("rect", { class: `bar is-${status}`, x, y: top, width, height: Math.max(height - 1, 1) })
      : null;
  });
  const title = [moment(day.date, { dateStyle: "medium" }), ...said].join("\n");
  return svg("g", {}, svg("title", {}, title), svg("rect", { class: "hit", x, y: 0, width, height: HEIGHT }), parts);
}

function legend(status, found) {
  const total = found.reduce((sum, day) => sum + day.by[status], 0);
  return h(
    "li",
    {},
    svg(
      "svg",
      { class: "swatch", viewBox: "0 0 10 10", "aria-hidden": "true" },
      svg("rect", { class: `bar is-${status}`, width: 10, height: 10, rx: 2 }),
    ),
    `${word(status)} ${number(total)}`,
  );
}

function table(found, shown) {
  const head = h(
    "tr",
    {},
    h("th", { scope: "col" }, t("day")),
    shown.map((status) => h("th", { scope: "col", class: "count" }, word(status))),
    h("th", { scope: "col", class: "count" }, t("all")),
  );
  const rows = [...found].reverse().map((day) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, moment(day.date, { dateStyle: "medium" })),
      shown.map((status) => h("td", { class: "count" }, number(day.by[status]))),
      h("td", { class: "count" }, number(day.total)),
    ),
  );
  return h("table", { class: "grid" }, h("thead", {}, head), h("tbody", {}, rows));
}
