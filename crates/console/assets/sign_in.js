// The page of the sign-in: a key, or the person's own account at the provider.
import { banners } from "./core/banners.js";
import { find, show } from "./core/dom.js";
import { ApiError, inOneLine, offlineError, problem } from "./core/problem.js";
import { at, page, returning } from "./core/root.js";

const REASONS = {
  ended: "Your session has ended. Sign in to go on where you were.",
  out: "You are signed out.",
};

const query = new URLSearchParams(location.search);
const [form, key, status, told] = [find("#sign-in"), find("#key"), find("#sign-in-status"), find("#reason")];

banners();
const reason = REASONS[query.get("reason")];
if (reason) {
  told.textContent = reason;
  show(told, true);
}

// The way through the provider of accounts, where the server has one.
async function offer() {
  const ways = await (await fetch(at("console/api/sign-in"))).json();
  find("#provider").href = page("sign-in/oidc", { return_to: query.get("return_to") });
  show(find("#oidc"), ways.oidc);
}

function tell(text) {
  status.textContent = text;
  show(status, Boolean(text));
  key.setAttribute("aria-invalid", String(Boolean(text)));
}

async function sent() {
  let answer;
  try {
    answer = await fetch(at("console/api/sign-in"), {
      method: "POST",
      credentials: "same-origin",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ key: key.value.trim() }),
    });
  } catch {
    throw offlineError();
  }
  if (!answer.ok) throw problem(answer.status, (name) => answer.headers.get(name), await answer.text());
  return (await answer.json()).session;
}

function countdown(seconds) {
  const button = find("button[type=submit]", form);
  const until = Date.now() + seconds * 1000;
  button.disabled = true;
  const timer = setInterval(() => {
    const left = Math.ceil((until - Date.now()) / 1000);
    tell(`Too many attempts from this network. Try again in ${left} s.`);
    if (left > 0) return;
    clearInterval(timer);
    button.disabled = false;
    tell("");
  }, 250);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = find("button[type=submit]", form);
  if (!key.value.trim()) {
    tell("Enter a key. It begins with vk_ or vka_.");
    key.focus();
    return;
  }
  button.disabled = true;
  tell("");
  try {
    const session = await sent();
    key.value = "";
    // An admin key reads no files.
    const first =
      session.role_administrator && session.workspaces.length === 0 ? page("admin/workspaces") : page("files");
    location.replace(query.has("return_to") ? returning(query.get("return_to")) : first);
  } catch (error) {
    button.disabled = false;
    if (error instanceof ApiError && error.status === 429) countdown(error.retryAfter);
    else if (error instanceof ApiError && error.status === 401)
      tell("This key is not valid. It may be mistyped, expired or revoked.");
    else tell(inOneLine(error));
    key.focus();
  }
});

for (const control of form.elements) control.disabled = false;

find("[data-action=reveal]").addEventListener("click", ({ currentTarget }) => {
  const hidden = key.type === "password";
  key.type = hidden ? "text" : "password";
  currentTarget.setAttribute("aria-pressed", String(hidden));
  currentTarget.textContent = hidden ? "Hide" : "Show";
});

offer()
  .catch(() => {
    /* the key works */
  })
  .finally(() => {
    document.documentElement.dataset.ready = "yes";
  });
