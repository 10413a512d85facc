// Shows a new key, once, with samples that use it.
import { el } from "../core/dom.js";
import { copy } from "../core/notices.js";
import { sampleOf, showOnce } from "../core/once.js";
import { at } from "../core/root.js";

const samples = (base, key) => [
  [
    "Python",
    `from openai import OpenAI\n\nclient = OpenAI(base_url="${base}", api_key="${key}")\nfile = client.files.create(file=open("notes.txt", "rb"), purpose="user_data")\nprint(file.id)\n`,
  ],
  [
    "TypeScript",
    `import fs from "node:fs";\nimport OpenAI from "openai";\n\nconst client = new OpenAI({ baseURL: "${base}", apiKey: "${key}" });\nconst file = await client.files.create({ file: fs.createReadStream("notes.txt"), purpose: "user_data" });\nconsole.log(file.id);\n`,
  ],
  [
    "curl",
    `curl ${base}/files \\\n  -H "Authorization: Bearer ${key}" \\\n  -F purpose=user_data -F file=@notes.txt\n`,
  ],
];

/** Shows the secret of a key; resolves when the person closes the dialog. */
export function secret({ name, value }, title = "Copy the key now") {
  const code = el("code", {});
  const list = samples(at("v1"), value);
  const tabs = list.map(([language, text]) =>
    el(
      "button",
      {
        type: "button",
        class: "button small",
        "aria-pressed": "false",
        onclick: ({ currentTarget }) => choose(currentTarget, text),
      },
      language,
    ),
  );
  const choose = (tab, text) => {
    for (const other of tabs) other.setAttribute("aria-pressed", String(other === tab));
    code.textContent = text;
  };
  choose(tabs[0], list[0][1]);
  return showOnce({
    title,
    words: "The server keeps only a digest of the key, so it is shown this one time. Store it as a secret.",
    label: `Key “${name}”`,
    named: "Key",
    value,
    more: [
      el(
        "div",
        { class: "actions", role: "group", "aria-label": "Language" },
        ...tabs,
        el(
          "button",
          { type: "button", class: "button small push", onclick: () => copy(code.textContent, "Sample") },
          "Copy the sample",
        ),
      ),
      sampleOf(code),
    ],
  });
}
