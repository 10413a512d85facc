// Try it: a drawer with a form that sends the request of the operation. A key lives in its field alone, unless the person
// asks to keep it for this tab.
import { curlOf, formOf, requestOf } from "./request.js";

const LONGEST_SHOWN_BYTES = 64 * 1024;
const TOLD_MS = 2000;

function megabytes(bytes) {
  return `${(bytes / 1048576).toFixed(1)} MiB`;
}

async function shown(blob) {
  const bytes = new Uint8Array(await blob.slice(0, LONGEST_SHOWN_BYTES).arrayBuffer());
  const cut = blob.size > LONGEST_SHOWN_BYTES;
  try {
    const text = new TextDecoder("utf-8", { fatal: !cut }).decode(bytes);
    if (!text.includes("\0")) return cut ? `${text}\n... of ${blob.size} bytes` : indented(text);
  } catch { /* no text */ }
  return `${blob.size} bytes`;
}

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
}

async function tell(button, text) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not copied";
  }
  setTimeout(() => { button.textContent = label; }, TOLD_MS);
}

// The key of this tab, by the kind of key: `vk_...` and `vka_...` are kept apart.
function keptKey(form) {
  const name = `venna-key ${form.dataset.kind}`;
  const key = form.querySelector("#try-key");
  const keep = form.querySelector("#try-keep");
  const store = () => {
    try {
      if (keep.checked && key.value.trim()) sessionStorage.setItem(name, key.value.trim());
      else sessionStorage.removeItem(name);
    } catch { /* the key is not kept */ }
  };
  const fill = () => {
    try {
      const kept = sessionStorage.getItem(name);
      if (kept) [key.value, keep.checked] = [kept, true];
    } catch { /* nothing was kept */ }
  };
  keep.addEventListener("change", store);
  key.addEventListener("change", store);
  addEventListener("pagehide", () => { key.value = ""; });
  addEventListener("pageshow", fill);
  fill();
  return key;
}

export function trial(drawer) {
  const form = drawer.querySelector("form");
  const find = (action) => form.querySelector(`[data-action=${action}]`);
  const [cancel, send, progress] = [find("cancel"), form.querySelector("[type=submit]"), form.querySelector("progress")];
  const status = form.querySelector(".status");
  const answer = form.querySelector(".answer");
  const key = keptKey(form);
  let request;

  document.querySelectorAll("[data-action=try]").forEach((button) => button.addEventListener("click", () => drawer.showModal()));
  drawer.querySelector("[data-action=close]").addEventListener("click", () => drawer.close());
  drawer.addEventListener("click", (event) => { if (event.target === drawer) drawer.close(); });
  cancel.addEventListener("click", () => request?.abort());
  find("curl").addEventListener("click", (event) => {
    tell(event.currentTarget, curlOf(requestOf(form), form.dataset.origin, form.dataset.variable));
  });
  find("copy").addEventListener("click", (event) => tell(event.currentTarget, answer.querySelector(".body").textContent));
  find("save").addEventListener("click", () => save(request.response, nameOf(request)));

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { method, path, headers, fields, body } = requestOf(form);
    const begun = performance.now();
    const passed = () => `${Math.round(performance.now() - begun)} ms`;
    const busy = (is) => {
      cancel.disabled = !is;
      send.disabled = is;
      progress.hidden = !is;
    };
    const advance = (what) => ({ loaded, total, lengthComputable }) => {
      if (!lengthComputable || request.readyState === XMLHttpRequest.DONE) return;
      progress.max = total || 1;
      progress.value = loaded;
      status.textContent = `${what} ${megabytes(loaded)} of ${megabytes(total)}, ${passed()}`;
    };
    const end = (text, kind) => {
      busy(false);
      status.className = `status ${kind}`;
      status.textContent = `${text} after ${passed()}`;
    };

    request = new XMLHttpRequest();
    request.open(method, form.dataset.base + path.replace(/^\//, ""));
    request.responseType = "blob";
    request.setRequestHeader("Authorization", `Bearer ${key.value.trim()}`);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", advance("Sent"));
    request.addEventListener("progress", advance("Received"));
    request.addEventListener("abort", () => end("Cancelled", ""));
    request.addEventListener("error", () => end("No answer: the connection failed", "bad"));
    request.addEventListener("load", async () => {
      end(`${request.status} ${request.statusText}, request ${request.getResponseHeader("x-request-id")},`, request.status < 400 ? "good" : "bad");
      answer.querySelector(".headers").textContent = request.getAllResponseHeaders().trim();
      answer.querySelector(".body").textContent = await shown(request.response);
      answer.hidden = false;
    });
    answer.hidden = true;
    progress.removeAttribute("value");
    status.className = "status";
    status.textContent = "Sending";
    busy(true);
    request.send(fields.length ? formOf(fields) : body);
  });
}

// The name under which an answer is saved: the one that the server gives, else one by its type.
function nameOf(request) {
  const given = /filename="([^"]*)"/.exec(request.getResponseHeader("content-disposition") ?? "");
  if (given) return given[1];
  return request.getResponseHeader("content-type")?.includes("json") ? "answer.json" : "answer.bin";
}
