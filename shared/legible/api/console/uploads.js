// Uploads outlive the view that began them: signed by the API, sent by the browser, watched until they are finished.

import { Problem, get, isId, path, post, send, there } from "./api.js";
import { h } from "./dom.js";
import { percent, t } from "./language.js";
import { pause } from "./poll.js";
import { badge, named, reason, say, trouble, word } from "./parts.js";

const AT_ONCE = 3;
/** How long a document may stay unknown after it was sent: the event that starts it takes its time. */
const UNKNOWN = 90000;

const listeners = new Set();
let chosen = () => ({ operation: "", options: {} });
const waiting = [];
let busy = 0;

/** Every upload of this visit: what was given last first, and of that in its own order. */
export const uploads = [];

addEventListener("beforeunload", (event) => {
  if (uploads.some(({ state }) => state === "waiting" || state === "sending")) event.preventDefault();
});

/** Call `listener` when an upload has changed. */
export function watch(listener, signal) {
  listeners.add(listener);
  signal.addEventListener("abort", () => listeners.delete(listener));
}

/** Let `choice` tell operation and options for what was refused without any, when it is tried again. */
export function choosing(choice) {
  chosen = choice;
}

/** Upload files; `operation` and `options` may be empty. */
export function upload(files, operation, options) {
  const begun = files.map((file) => ({
    file,
    operation,
    options,
    state: "waiting",
    share: 0,
    id: null,
    stored: false,
    key: file.name,
    document: null,
    problem: null,
  }));
  uploads.unshift(...begun);
  waiting.push(...begun);
  changed();
  next();
}

function next() {
  while (busy < AT_ONCE && waiting.length) {
    busy += 1;
    run(waiting.shift());
  }
}

async function run(entry) {
  try {
    if (!entry.stored) await sent(entry);
  } catch (problem) {
    Object.assign(entry, { state: "stopped", problem });
  }
  busy -= 1;
  changed();
  next();
  if (entry.problem === null)
    await followed(entry).catch((problem) => Object.assign(entry, { state: "stopped", problem }));
  say(`${entry.key}: ${word(entry.state)}`);
  changed();
}

/** Have one file signed and send it; returns once the store has it. */
async function sent(entry) {
  const { file, operation, options } = entry;
  if (!file.size) throw new Problem({ title: t("problem_refused"), detail: t("empty_file") });
  Object.assign(entry, { state: "sending", problem: null, share: 0 });
  changed();
  if (entry.id !== null && (await there(entry.id))) {
    Object.assign(entry, { state: "running", share: 1, stored: true });
    return;
  }
  const signed = await post(path(["uploads"]), {
    name: file.name,
    size: file.size,
    content_type: file.type || "application/octet-stream",
    ...(operation ? { operation } : {}),
    ...(options && Object.keys(options).length ? { options } : {}),
  });
  Object.assign(entry, { id: signed.id, key: signed.key });
  await send(signed.upload, file, (share) => {
    entry.share = share;
    changed();
  });
  Object.assign(entry, { state: "running", share: 1, stored: true });
}

async function followed(entry) {
  entry.document = await finished(entry.id, (state) => {
    entry.state = state;
    changed();
  });
  entry.state = entry.document.status;
}

/** Ask for a document until it is finished; tells its status. Unknown at first is as good as waiting. */
export async function finished(id, told, signal) {
  const since = Date.now();
  for (let wait = 1000; ; wait = Math.min(wait * 1.3, 15000)) {
    try {
      const found = await get(path(["documents", id]), signal);
      if (found.status !== "running") return found;
      told(found.status);
    } catch (problem) {
      const early = problem.status === 404 && Date.now() - since < UNKNOWN;
      if (!(problem instanceof Problem) || !(early || problem.passing)) throw problem;
      wait = Math.max(wait, problem.after * 1000);
    }
    await pause(wait, signal);
  }
}

function changed() {
  for (const listener of listeners) listener();
}

/** One upload as a row. */
export function row(entry) {
  const name =
    entry.id && isId(entry.id) && entry.document
      ? h("a", { href: `#/documents/${entry.id}` }, named(entry.key))
      : named(entry.key);
  const stop = entry.document?.reason ?? null;
  return h(
    "li",
    { class: "upload" },
    h("div", { class: "upload-name" }, name),
    h("div", { class: "upload-state" }, entry.state === "sending" ? bar(entry) : badge(entry.state)),
    stop ? reason(stop) : null,
    entry.problem ? trouble(entry.problem, () => again(entry)) : null,
  );
}

function bar(entry) {
  return [
    h("progress", { max: "1", value: entry.share, "aria-label": t("sent_share", { name: entry.file.name }) }),
    h("span", { class: "share" }, percent(entry.share)),
  ];
}

function again(entry) {
  Object.assign(entry, { state: "waiting", problem: null }, entry.operation ? {} : chosen());
  waiting.push(entry);
  changed();
  next();
}
