// Numbers as drawings: columns over time, and bars of what there is most of. Each has its numbers in words, too.

import { h, svg } from "./dom.js";
import { moment, number, t } from "./language.js";

const DAY = 86400000;
const WIDTH = 600;
const HEIGHT = 120;
const MOST_COLUMNS = 62;
const MOST_BARS = 10;

/** The day of a text such as 2026-11-23, or the first of a month such as 2026-11. */
export function day(text) {
  return new Date(`${text.length === 7 ? `${text}-01` : text}T00:00:00Z`);
}

/** Write a day of UTC. */
export function dated(date, options = { dateStyle: "medium" }) {
  return moment(date, { ...options, timeZone: "UTC" });
}

/** Write a moment of UTC, which all of these numbers go by. */
export function exactly(text) {
  return dated(new Date(text), { dateStyle: "medium", timeStyle: "short" });
}

/** The days from `first` to `last`, put together to so many weeks that there are few columns; the first may be short. */
export function spans(first, last) {
  const count = Math.round((day(last) - day(first)) / DAY) + 1;
  const each = count <= MOST_COLUMNS ? 1 : 7 * Math.ceil(count / (7 * MOST_COLUMNS));
  const found = [];
  for (let end = count; end > 0; end -= each) {
    const [from, to] = [Math.max(0, end - each), end - 1].map((days) => new Date(+day(first) + days * DAY));
    found.unshift({ from, to, values: {} });
  }
  return { each, columns: found };
}

/** Add what `values` tells of each row to the column of its day. */
export function filled(columns, rows, values) {
  let at = 0;
  for (const row of rows) {
    while (at < columns.length - 1 && day(row.day ?? row.name) > columns[at].to) at += 1;
    for (const [name, count] of Object.entries(values(row)))
      columns[at].values[name] = (columns[at].values[name] ?? 0) + count;
  }
  return columns;
}

/**
 * Columns over time: `series` are `[name, state, label]`, `columns` have `from`, `to` and `values`, `unit` says what is
 * counted in each. `write` writes a number.
 */
export function columnChart({ title, unit, series, columns, dates = { dateStyle: "medium" }, write = number }) {
  const totals = columns.map(({ values }) => series.reduce((sum, [name]) => sum + (values[name] ?? 0), 0));
  const top = round(Math.max(...totals));
  const shown = series.filter(([name]) => columns.some(({ values }) => values[name]));
  const when = ({ from, to }) => (+from === +to ? dated(from, dates) : `${dated(from, dates)} – ${dated(to, dates)}`);
  const ends = [columns[0], columns[Math.floor(columns.length / 2)], columns.at(-1)].slice(-Math.min(3, columns.length));
  const step = WIDTH / columns.length;
  const drawn = columns.map((column, index) => drawnColumn(column, index * step, step, top, shown, when(column), write));
  return figure(
    title,
    h(
      "div",
      { class: "plot" },
      h("p", { class: "unit" }, unit),
      h("p", { class: "scale", "aria-hidden": "true" }, [top, top / 2, 0].map((value) => h("span", {}, write(value)))),
      svg(
        "svg",
        { class: "bars", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": t("figure_said", { title, unit }) },
        [0.5, HEIGHT / 2].map((y) => svg("line", { class: "rule", x1: 0, x2: WIDTH, y1: y, y2: y })),
        drawn,
      ),
      h("p", { class: "marks-of-days", "aria-hidden": "true" }, ends.map(({ to }) => h("span", {}, dated(to, dates)))),
    ),
    legend(shown, columns, write),
    table(
      title,
      t("time"),
      shown,
      columns.map((column) => [when(column), column.values]).reverse(),
      write,
    ),
  );
}

/** Bars of what there is most of, and of all others together; `rows` are `{ name, values }`, the most first. */
export function barChart({ title, what, series, rows, write = number }) {
  const total = ({ values }) => series.reduce((sum, [name]) => sum + (values[name] ?? 0), 0);
  const rest = rows.length > MOST_BARS + 1 ? rows.slice(MOST_BARS) : [];
  const bars = rest.length ? rows.slice(0, MOST_BARS) : rows;
  const others = { name: t("others", { count: number(rest.length) }), values: {} };
  for (const { values } of rest)
    for (const [name, count] of Object.entries(values)) others.values[name] = (others.values[name] ?? 0) + count;
  const shown = rest.length ? [...bars, others] : bars;
  const most = Math.max(...shown.map(total)) || 1;
  return figure(
    title,
    h("ol", { class: "ranks" }, shown.map((row) => bar(row, total(row), most, series, write, row === others))),
    null,
    table(
      title,
      what,
      series,
      rows.map(({ name, values }) => [name, values]),
      write,
    ),
  );
}

function bar({ name, values }, total, most, series, write, quiet) {
  let x = 0;
  const parts = series.map(([key, state]) => {
    const width = ((values[key] ?? 0) / most) * 100;
    x += width;
    return width ? svg("rect", { class: `bar is-${state}`, x: x - width, y: 0, width, height: 8 }) : null;
  });
  return h(
    "li",
    {},
    h("span", { class: quiet ? "rank-name faint" : "rank-name" }, name),
    h("span", { class: "count" }, write(total)),
    svg("svg", { class: "rank", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" }, parts),
  );
}

function drawnColumn({ values }, x, step, top, series, when, write) {
  let y = HEIGHT;
  const gap = step * 0.18;
  const parts = series.map(([name, state]) => {
    const height = ((values[name] ?? 0) / top) * HEIGHT;
    y -= height;
    return height ? svg("rect", { class: `bar is-${state}`, x: x + gap / 2, y, width: step - gap, height }) : null;
  });
  const said = series.filter(([name]) => values[name]).map(([name, , label]) => `${label}: ${write(values[name])}`);
  const hit = svg("rect", { class: "hit", x, y: 0, width: step, height: HEIGHT });
  return svg("g", {}, svg("title", {}, [when, ...said].join("\n")), hit, parts);
}

function legend(series, columns, write) {
  const entry = ([name, state, label]) => {
    const square = svg("rect", { class: `bar is-${state}`, width: 10, height: 10, rx: 2 });
    const total = columns.reduce((sum, { values }) => sum + (values[name] ?? 0), 0);
    return h("li", {}, svg("svg", { class: "swatch", viewBox: "0 0 10 10", "aria-hidden": "true" }, square), `${label} ${write(total)}`);
  };
  return h("ul", { class: "legend" }, series.map(entry));
}

function figure(title, drawing, foot, numbers) {
  return h("figure", { class: "chart" }, h("figcaption", {}, h("span", { class: "chart-title" }, title)), drawing, foot, numbers);
}

/** The numbers of a figure as a table, folded. */
function table(title, what, series, rows, write) {
  const head = h("tr", {}, h("th", { scope: "col" }, what), series.map(([, , label]) => h("th", { scope: "col", class: "count" }, label)));
  const row = ([name, values]) =>
    h("tr", {}, h("th", { scope: "row" }, name), series.map(([key]) => h("td", { class: "count" }, write(values[key] ?? 0))));
  return h(
    "details",
    {},
    h("summary", {}, t("chart_table")),
    h(
      "div",
      { class: "scroll numbers", tabindex: "0", role: "group", "aria-label": title },
      h("table", { class: "grid" }, h("thead", {}, head), h("tbody", {}, rows.map(row))),
    ),
  );
}

/** The next of 2, 4, 6, 8, 10, 20 ... that `value` does not exceed; as many digits smaller as there must be. */
function round(value) {
  if (!value) return 2;
  const power = 10 ** Math.floor(Math.log10(value));
  const digit = [1, 2, 4, 6, 8, 10].find((one) => value <= one * power + power / 1e9);
  return value < 2 && power === 1 ? 2 : digit * power;
}
