// The product's own HTTP API, at the same origin. Whatever goes wrong comes as a Problem.

import { t } from "./language.js";

const BASE = "/v1";
const TITLES = {
  400: "problem_refused",
  401: "problem_forbidden",
  403: "problem_forbidden",
  404: "problem_missing",
  409: "problem_not_now",
  413: "problem_large",
  415: "problem_refused",
  422: "problem_refused",
  429: "problem_many",
  500: "broken",
  502: "problem_away",
  503: "problem_away",
  504: "problem_away",
};
const ID = /^[A-Za-z0-9_-]{1,2000}$/;

/** What an RFC 9457 problem document says. `status` is 0 where no answer came. `after` is Retry-After in seconds. */
export class Problem extends Error {
  constructor(
    { status = 0, title, detail = "", advice = "", type = "", vendor_code = "", request_id = "", errors = [] },
    after = 0,
  ) {
    super(title);
    Object.assign(this, { status, title, detail, advice, type, vendor_code, request_id, errors, after });
  }

  /** Whether the same request may well succeed later. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** Tell whether `text` can be the id of a document. */
export function isId(text) {
  return ID.test(text);
}

/** Return a path of the API with its query; what is empty is left out. */
export function path(parts, query = {}) {
  const asked = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const tail = asked.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  return `${BASE}/${parts.map(encodeURIComponent).join("/")}${tail ? `?${tail}` : ""}`;
}

/** GET JSON. */
export async function get(address, signal) {
  return (await answered(address, { signal })).json();
}

/** GET text as it is. */
export async function text(address, signal) {
  return (await answered(address, { signal })).text();
}

/** POST JSON, or a FormData as it is; returns the JSON of the reply. */
export async function post(address, body, { signal, headers = {} } = {}) {
  const form = body instanceof FormData;
  const reply = await answered(address, {
    method: "POST",
    signal,
    headers: form || body === undefined ? headers : { ...headers, "Content-Type": "application/json" },
    body: form || body === undefined ? body : JSON.stringify(body),
  });
  return reply.json();
}

async function answered(address, asked) {
  let reply;
  try {
    reply = await fetch(address, asked);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ title: t("no_answer"), detail: t("no_answer_detail"), advice: t("no_answer_advice") });
  }
  if (!reply.ok) throw await problem(reply);
  return reply;
}

async function problem(reply) {
  const after = Number(reply.headers.get("Retry-After")) || 0;
  const said = await reply.json().catch(() => null);
  const known = said !== null && typeof said.title === "string";
  const unknown = { title: t("http_error", { status: reply.status }), detail: t("http_error_detail") };
  const told = { ...(known ? said : unknown), ...titled(reply.status), ...(known ? led(said.type) : {}) };
  return new Problem({ ...told, status: reply.status }, after);
}

/** What to do here about what people meet first; the API tells programs. */
function led(type) {
  if (type === "/problems/no-route") return { detail: t("no_route"), advice: t("no_route_advice") };
  return type === "/problems/whole-account" ? { detail: t("whole_account"), advice: t("whole_account_advice") } : {};
}

/** What an error is called. The API calls it by its status, as HTTP does ("Unprocessable Entity"), which few can read. */
function titled(status) {
  return status in TITLES ? { title: t(TITLES[status]) } : {};
}

/** Tell whether a document is there. What was sent and not answered may be: sent again, it would be paid for again. */
export async function there(id, signal) {
  try {
    await get(path(["documents", id]), signal);
    return true;
  } catch (problem) {
    if (problem.status === 404) return false;
    throw problem;
  }
}

/** PUT a file to a signed address with exactly the headers that were signed; tells how far it is (0 to 1). */
export function send(upload, file, progress, signal) {
  return new Promise((resolve, reject) => {
    const failed = (status) =>
      reject(
        new Problem({
          status,
          title: t("upload_failed"),
          detail: t("upload_failed_detail"),
          advice: t("no_answer_advice"),
        }),
      );
    const request = new XMLHttpRequest();
    request.open(upload.method, upload.url);
    for (const [name, value] of Object.entries(upload.headers ?? {})) request.setRequestHeader(name, value);
    request.upload.addEventListener(
      "progress",
      (event) => event.lengthComputable && progress(event.loaded / event.total),
    );
    request.addEventListener("load", () => (request.status < 300 ? resolve() : failed(request.status)));
    request.addEventListener("error", () => failed(0));
    request.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    signal?.addEventListener("abort", () => request.abort());
    // A blob without a type: the browser adds no Content-Type of its own, which would break the signature.
    request.send(file.slice(0, file.size, ""));
  });
}
