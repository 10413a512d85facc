// What pages do beyond being read: search, copy, and Try it. A key lives in its field alone, and nothing is stored.
"use strict";

const LONGEST_SHOWN_BYTES = 64 * 1024;
const MOST_FOUND = 12;

function element(name, text, properties = {}) {
  return Object.assign(document.createElement(name), { textContent: text, ...properties });
}

// Copy ---------------------------------------------------------------------------------------------------------------

function copyable(figure) {
  const button = element("button", "Copy", { type: "button" });
  button.setAttribute("aria-label", `Copy ${figure.querySelector("figcaption").textContent}`);
  button.addEventListener("click", async () => {
    const text = figure.querySelector("code").textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(figure.querySelector("code"));
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  figure.querySelector("figcaption").append(button);
}

// Search -------------------------------------------------------------------------------------------------------------

function searchable(box) {
  const input = box.querySelector("input");
  const found = box.querySelector("ul");
  let index;
  box.hidden = false;

  const show = async () => {
    index ??= fetch("/docs/search.json").then((answer) => answer.json());
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (entry) => words.every((word) => `${entry.title} ${entry.about}`.toLowerCase().includes(word));
    const entries = words.length ? (await index).filter(matches).slice(0, MOST_FOUND) : [];
    found.replaceChildren(...entries.map((entry) => {
      const link = element("a", entry.title, { href: entry.path });
      link.append(element("small", entry.about));
      const item = document.createElement("li");
      item.append(link);
      return item;
    }));
  };
  const move = (step) => {
    const places = [input, ...found.querySelectorAll("a")];
    const at = places.indexOf(document.activeElement);
    places[(at + step + places.length) % places.length].focus();
  };
  input.addEventListener("input", show);
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      input.focus();
    } else if (box.contains(document.activeElement)) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        move(event.key === "ArrowDown" ? 1 : -1);
      } else if (event.key === "Enter" && document.activeElement === input) {
        found.querySelector("a")?.click();
      } else if (event.key === "Escape") {
        input.value = "";
        found.replaceChildren();
        input.focus();
      }
    }
  });
}

// Try it -------------------------------------------------------------------------------------------------------------

function requestOf(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = {};
  let body = null;
  for (const input of form.querySelectorAll("[data-place]")) {
    const { place } = input.dataset;
    const value = place === "file" ? input.files[0] : input.value;
    if (place === "path") path = path.replace(`{${input.name}}`, encodeURIComponent(value));
    else if (!value) continue;
    else if (place === "query") query.append(input.name, value);
    else if (place === "header") headers[input.name] = value;
    else if (place === "body") {
      headers["Content-Type"] = "application/json";
      body = value;
    } else {
      body ??= new FormData();
      body.append(input.name, value);
    }
  }
  const url = query.size ? `${path}?${query}` : path;
  return { method: form.dataset.method, url, headers, body };
}

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

function trial(form) {
  const [key, cancel, progress] = ["#try-key", "[data-action=cancel]", "progress"].map((name) => form.querySelector(name));
  const status = form.querySelector(".status");
  const answer = form.querySelector(".answer");
  let request;
  form.hidden = false;
  addEventListener("pagehide", () => { key.value = ""; });
  cancel.addEventListener("click", () => request?.abort());

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { method, url, headers, body } = requestOf(form);
    const begun = performance.now();
    const passed = () => `${Math.round(performance.now() - begun)} ms`;
    const busy = (is) => {
      cancel.disabled = !is;
      form.querySelector("[type=submit]").disabled = is;
      progress.hidden = !is;
    };
    const advance = (what) => ({ loaded, total, lengthComputable }) => {
      if (!lengthComputable || request.readyState === XMLHttpRequest.DONE) return;
      progress.max = total || 1;
      progress.value = loaded;
      status.textContent = `${what} ${megabytes(loaded)} of ${megabytes(total)}, ${passed()}`;
    };
    const end = (text) => {
      busy(false);
      status.textContent = `${text} after ${passed()}`;
    };

    request = new XMLHttpRequest();
    request.open(method, url);
    request.responseType = "blob";
    request.setRequestHeader("Authorization", `Bearer ${key.value.trim()}`);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", advance("Sent"));
    request.addEventListener("progress", advance("Received"));
    request.addEventListener("abort", () => end("Cancelled"));
    request.addEventListener("error", () => end("No answer: the connection failed"));
    request.addEventListener("load", async () => {
      end(`${request.status} ${request.statusText}, request ${request.getResponseHeader("x-request-id")},`);
      answer.querySelector(".headers").textContent = request.getAllResponseHeaders().trim();
      answer.querySelector(".body").textContent = await shown(request.response);
      answer.hidden = false;
    });
    answer.hidden = true;
    progress.removeAttribute("value");
    status.textContent = "Sending";
    busy(true);
    request.send(body);
  });
}

document.querySelectorAll("figure.code").forEach(copyable);
searchable(document.querySelector(".search"));
document.querySelectorAll("form.trial").forEach(trial);
