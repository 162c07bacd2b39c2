// Everything of a record that a person can look at and correct: fields, cells, blocks of text. Values only.

/** From here up a confidence is high, fair; below it is low. */
export const HIGH = 0.95;
export const FAIR = 0.8;

/** `high`, `fair`, `low`, or `none` where the operation gives no confidence. */
export function grade(confidence) {
  if (confidence === null || confidence === undefined) return "none";
  return confidence >= HIGH ? "high" : confidence >= FAIR ? "fair" : "low";
}

/** The items of a record in reading order: by page, and on a page fields, then tables, then text. */
export function itemsOf(record) {
  const failed = (record.checks ?? []).filter((check) => !check.passed);
  const numbers = new Map();
  const counted = (page) => (numbers.set(page, (numbers.get(page) ?? 0) + 1), numbers.get(page));
  const found = [
    ...(record.fields ?? []).map((field) => item("field", field.name, field, field.value, field.page ?? 1)),
    ...(record.tables ?? []).flatMap((table) => table.cells.map((cell) => cellItem(table, cell))),
    ...(record.text ?? []).map((block) => {
      const page = block.page ?? 1;
      return item("text", `#${counted(page)}`, block, block.text, page);
    }),
  ];
  for (const one of found) one.findings = findings(one, failed);
  return found.map((one, index) => ({ ...one, index })).sort((a, b) => a.page - b.page || a.index - b.index);
}

function cellItem(table, cell) {
  return {
    ...item("cell", `${table.name}#${cell.row},${cell.column}`, cell, cell.text, table.page),
    table,
    cell,
    label: table.label,
  };
}

function item(kind, name, source, recognized, page) {
  return {
    kind,
    name,
    page,
    recognized,
    label: source.label ?? "",
    label_zh: source.label_zh ?? "",
    type: source.type ?? "text",
    typed: source.typed ?? null,
    currency: source.currency ?? "",
    confidence: source.confidence ?? null,
    location: source.location ?? null,
    corrected: source.corrected ?? null,
    rules: source.findings ?? [],
  };
}

/** What the rules say of one item; a rule that it names without a message is told by its name. */
function findings(one, failed) {
  const told = failed
    .filter((check) => (check.page ?? 1) === one.page && (check.fields ?? []).includes(one.name))
    .map(({ rule, message }) => ({ rule, message: message || rule }));
  const silent = one.rules
    .filter((rule) => !told.some((check) => check.rule === rule))
    .map((rule) => ({ rule, message: rule }));
  return [...told, ...silent];
}

/** The text that counts. */
export function final(one) {
  return one.corrected ? one.corrected.value : one.recognized;
}

/**
 * Values of which nothing says whether they are right: no confidence, no rule that holds, no person. Beside text, fields
 * say how its picture lies.
 */
export function unmeasured(items, checks) {
  const held = checks.filter((check) => check.passed);
  const holds = (one) => held.some((check) => (check.page ?? 1) === one.page && (check.fields ?? []).includes(one.name));
  const silent = (one) => grade(one.confidence) === "none" && !one.corrected && final(one) !== "" && !heads(one);
  const text = items.some((one) => one.kind === "text");
  return items.filter((one) => silent(one) && !holds(one) && !(text && one.kind === "field"));
}

/** Whether an item is a label of ours above a column. */
export function heads(item) {
  return item.kind === "cell" && Boolean(item.table.header) && item.cell.row === 0;
}

/** Whether a person should look: it breaks a rule or is of low confidence, and nobody corrected it. As the list counts. */
export function doubtful(one) {
  return !one.corrected && (one.findings.length > 0 || grade(one.confidence) === "low");
}
