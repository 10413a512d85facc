// Errors of the API, and their words for people.
const DEFAULT_RETRY_S = 5;

export class ApiError extends Error {
  /**
   * @param {number} status the HTTP status; 0 when the server was not reached
   * @param {{message?: string, code?: string | null, param?: string | null}} error
   * @param {{retryAfter?: number, shouldRetry?: string | null, requestId?: string | null}} [how]
   */
  constructor(
    status,
    { message, code = null, param = null },
    { retryAfter = 0, shouldRetry = null, requestId = null } = {},
  ) {
    super(message ?? `The server answered ${status}.`);
    Object.assign(this, { status, code, param, retryAfter, shouldRetry, requestId });
  }

  /** Says whether the same request may succeed later. */
  get isTransient() {
    if (this.shouldRetry === "false") return false;
    return [0, 408, 429, 502, 503, 504].includes(this.status) || this.shouldRetry === "true";
  }

  get isPaced() {
    return this.status === 429 && this.shouldRetry !== "false";
  }

  get isSession() {
    return this.status === 401;
  }
}

export const offlineError = () => new ApiError(0, { message: "The server cannot be reached.", code: "offline" });

/** Reads the error of an answer; `header` returns the value of a header. */
export function problem(status, header, text) {
  let error = {};
  try {
    error = JSON.parse(text)?.error ?? {};
  } catch {
    /* an answer of a proxy on the way */
  }
  const after = Number(header("retry-after"));
  const retryAfter = Number.isFinite(after) && after > 0 ? after : status === 429 ? DEFAULT_RETRY_S : 0;
  return new ApiError(status, error, {
    retryAfter,
    shouldRetry: header("x-should-retry"),
    requestId: header("x-request-id"),
  });
}

const TITLES = {
  storage_quota_exceeded: [
    "The workspace is full",
    "Delete files that are no longer needed, or ask an administrator for a larger quota.",
  ],
  project_spend_limit_exceeded: [
    "The spend limit is reached",
    "Uploads go on next month, or when an administrator raises the limit. Reading and deleting still work.",
  ],
  insufficient_storage: [
    "The disk of the server is full",
    "Nothing was stored. Tell the operator of the server. Reading and deleting still work.",
  ],
  file_damaged: [
    "This file is damaged",
    "Its stored bytes do not match their checksums, so the server does not hand them on. Upload the file again, or tell the operator.",
  ],
  insufficient_permissions: ["You may not do this", "Ask an owner of the workspace or an administrator."],
  file_too_large: ["The file is too large", "Choose a smaller file."],
  offline: ["The server cannot be reached", "Check the network. This page goes on by itself when the server is back."],
  session_expired: ["Your session has ended", "Sign in again to go on."],
};

/** Returns a title, the server's own words, and the remedy. */
export function explained(error) {
  if (!(error instanceof ApiError))
    return {
      title: "Something went wrong on this page",
      detail: String(error?.message ?? error),
      remedy: "Reload the page.",
    };
  const [title, remedy] = TITLES[error.code] ?? byStatus(error.status);
  return { title, remedy, detail: error.code === "offline" ? "" : error.message, requestId: error.requestId };
}

/** Returns an error in one line, with the id of the request, which a report quotes. */
export function inOneLine(error) {
  const { title, detail, requestId } = explained(error);
  return `${title}${detail ? `: ${detail}` : ""}${requestId ? ` (request ${requestId})` : ""}`;
}

function byStatus(status) {
  if (status === 404) return ["This was not found", "It was deleted, has expired, or belongs to another workspace."];
  if (status === 403) return TITLES.insufficient_permissions;
  if (status === 429) return ["Too many requests", "Wait a moment, and try again."];
  if (status >= 500)
    return ["The server could not answer", "Try again in a moment. If it persists, tell the operator."];
  return ["The server refused the request", "Change what is named below, and try again."];
}
