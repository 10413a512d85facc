// The client of the API: the routes of `/v1` under the cookie of the session.
import { lost, reached, whenOnline } from "./network.js";
import { paced, slowDown } from "./pace.js";
import { ApiError, offlineError, problem } from "./problem.js";
import { at } from "./root.js";

const MAX_TRIES = 6;
// Of a request that the server asks to wait with.
const MAX_PACED_TRIES = 200;
// A longer wait is told to the person instead.
const LONGEST_WAIT_S = 90;

const credentials = { token: null, project: null, isAdministrator: false };
let onSessionEnd = () => {};

/** Sets the CSRF token, and the workspace of the requests of a person. Administrators name none in the administration. */
export function authorize(token, project = null, isAdministrator = false) {
  Object.assign(credentials, { token, project, isAdministrator });
}

/** Calls the listener when an answer says that the session has ended. */
export function whenSessionEnds(listener) {
  onSessionEnd = listener;
}

/** Returns the headers of a request. */
export function headersOf(method, url, extra = {}) {
  const headers = { ...extra };
  if (method !== "GET" && method !== "HEAD" && credentials.token) headers["x-csrf-token"] = credentials.token;
  const isAdministration = credentials.isAdministrator && url.includes("/v1/organization/");
  if (credentials.project && !isAdministration) headers["OpenAI-Project"] = credentials.project;
  return headers;
}

/** Returns the address of a route of the API. */
export const api = (path, query) => at(`console/api/v1/${path}`, query);
export const linkTo = (path) => api(path, credentials.project ? { project: credentials.project } : {});

/**
 * Sends a request and returns its answer. Waits while the server asks for it, and repeats what had no effect.
 * @param {string} method
 * @param {string} url
 * @param {{json?: unknown, headers?: Record<string, string>, signal?: AbortSignal, repeat?: boolean}} [options]
 */
export async function request(method, url, { json, headers = {}, signal, repeat = method === "GET" } = {}) {
  const body = json === undefined ? undefined : JSON.stringify(json);
  const sent = json === undefined ? headers : { ...headers, "content-type": "application/json" };
  for (let [tries, waits] = [1, 1]; ;) {
    await paced(signal);
    try {
      return await once(method, url, { body, headers: headersOf(method, url, sent), signal });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      noted(error);
      if (error.isPaced) waits += 1;
      else tries += 1;
      if (tries > MAX_TRIES || waits > MAX_PACED_TRIES || !mayRepeat(error, repeat)) throw error;
      if (error.status === 0) await whenOnline(signal);
    }
  }
}

async function once(method, url, options) {
  let answer;
  try {
    answer = await fetch(url, { method, credentials: "same-origin", cache: "no-store", ...options });
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    lost();
    throw offlineError();
  }
  reached();
  if (answer.ok) return answer;
  throw problem(answer.status, (name) => answer.headers.get(name), await answer.text().catch(() => ""));
}

/** Acts on what an error says about the session and the pace. */
export function noted(error) {
  if (error.isSession) onSessionEnd();
  if (error.isPaced && error.retryAfter <= LONGEST_WAIT_S) slowDown(error.retryAfter);
}

function mayRepeat(error, repeat) {
  if (error.isPaced) return error.retryAfter <= LONGEST_WAIT_S;
  return repeat && error.status === 0;
}

const parsed = async (answer) => (answer.status === 204 ? null : answer.json());

export const get = async (path, query, options) => parsed(await request("GET", api(path, query), options));
export const post = async (path, json, options) =>
  parsed(await request("POST", api(path), { json: json ?? {}, ...options }));
export const remove = async (path, options) => parsed(await request("DELETE", api(path), { repeat: true, ...options }));

/** Reads all pages of a list, up to `most` rows. */
export async function everything(path, query = {}, most = 1000) {
  const rows = [];
  let after;
  do {
    const list = await get(path, { limit: 100, ...query, after });
    rows.push(...list.data);
    after = list.has_more ? list.last_id : null;
  } while (after && rows.length < most);
  return rows;
}
