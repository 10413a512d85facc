// The bad lines of a File: what `status_details` says about them, and the lines themselves.
import { el, fill, show } from "../core/dom.js";
import { count } from "../core/format.js";
import { range } from "../preview/bytes.js";

const SHOWN_BYTES = 600;
const decoder = new TextDecoder();

/** Reads the bad lines from `status_details`. @returns {{line: number, offset: number, reason: string}[]} */
export function faultsOf({ status_details: details }) {
  if (!details) return [];
  const heads = [...details.matchAll(/(?:^|[:;] )line (\d+) \(byte (\d+)\): /g)];
  return heads.map((head, index) => {
    const from = head.index + head[0].length;
    const reason = details.slice(from, heads[index + 1]?.index ?? details.length).replace(/(; and more)?\.$/, "");
    return { line: Number(head[1]), offset: Number(head[2]), reason };
  });
}

/** Shows the bad lines above the preview; `go` leads to one in the preview. */
export async function faults(place, file, list, go) {
  show(place, file.status === "error");
  if (file.status !== "error") return;
  const more = file.status_details?.endsWith("and more.");
  const title =
    list.length > 0
      ? `${count(list.length)}${more ? " or more" : ""} bad ${list.length === 1 ? "line" : "lines"}`
      : "This file is not valid for its purpose";
  const rows = list.map((fault) => row(fault, go));
  fill(
    place,
    el("h2", {}, title),
    list.length === 0 && el("p", {}, file.status_details),
    list.length > 0 &&
      el("p", { class: "quiet" }, "The file is stored as it is. Correct these lines, and upload it again."),
    el("ol", { class: "faults" }, ...rows.map(({ item }) => item)),
  );
  await Promise.all(
    list.map(async ({ offset, reason }, index) => {
      try {
        const bytes = await range(file.id, offset, Math.min(file.bytes, offset + SHOWN_BYTES));
        rows[index].text(decoder.decode(bytes), reason);
      } catch {
        rows[index].text("(the line could not be read)", "");
      }
    }),
  );
}

function row({ line, offset, reason }, go) {
  const code = el("code", {}, "…");
  const to = el("button", { type: "button", class: "button small", onclick: () => go(offset) }, "Show in place");
  const item = el(
    "li",
    {},
    el("div", { class: "line" }, el("b", {}, `Line ${count(line)}`), el("span", { class: "reason" }, reason), to),
    el("pre", { tabindex: "0", role: "group", "aria-label": `Line ${line}` }, code),
  );
  return { item, text: (text, why) => marked(code, text.split("\n")[0], why) };
}

/** Writes a line, with a mark at the column that the reason names. */
function marked(code, line, reason) {
  const column = Number(/column (\d+)/.exec(reason)?.[1] ?? 0);
  const cut = line.length >= SHOWN_BYTES - 1 ? `${line}…` : line;
  if (!column || column > cut.length + 1) {
    fill(code, cut || "(blank)");
    return;
  }
  fill(code, cut.slice(0, column - 1), el("mark", {}, cut.slice(column - 1, column) || "␊"), cut.slice(column));
}
