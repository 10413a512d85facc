// Images and PDF documents. The type of the blob is fixed by the first bytes, so no content can be a page or a script.
import { el, fill } from "../core/dom.js";
import { size } from "../core/format.js";
import { empty, failed, loading } from "../core/state.js";
import { range } from "./bytes.js";

const MIB = 1024 * 1024;
const MAX_IMAGE_BYTES = 32 * MIB;
const MAX_PDF_BYTES = 64 * MIB;

const text = (bytes, from, to) => String.fromCharCode(...bytes.subarray(from, to));
const IMAGES = [
  ["image/png", (bytes) => text(bytes, 1, 4) === "PNG"],
  ["image/jpeg", (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8],
  ["image/gif", (bytes) => text(bytes, 0, 4) === "GIF8"],
  ["image/webp", (bytes) => text(bytes, 0, 4) === "RIFF" && text(bytes, 8, 12) === "WEBP"],
  ["image/avif", (bytes) => text(bytes, 4, 12) === "ftypavif"],
  ["image/bmp", (bytes) => text(bytes, 0, 2) === "BM"],
];

async function blobOf(file, most, typeOf) {
  if (file.bytes > most) return { why: `Previews end at ${size(most)}. Download the file to see it.` };
  const bytes = await range(file.id, 0, file.bytes);
  const type = typeOf(bytes);
  if (!type) return { why: "The content is not what the name says. Download the file to see it." };
  return { url: URL.createObjectURL(new Blob([bytes], { type })) };
}

async function shown(place, file, most, typeOf, build) {
  loading(place, "Loading the preview");
  try {
    const { url, why } = await blobOf(file, most, typeOf);
    if (url) fill(place, build(url));
    else empty(place, { title: "No preview", words: why });
  } catch (error) {
    failed(place, error, () => shown(place, file, most, typeOf, build));
  }
}

export function image(place, file) {
  const typeOf = (bytes) => IMAGES.find(([, test]) => test(bytes))?.[0];
  return shown(place, file, MAX_IMAGE_BYTES, typeOf, (url) => {
    const told = el("p", { class: "quiet" });
    const picture = el("img", {
      src: url,
      alt: `Content of ${file.filename}`,
      onload: () => {
        told.textContent = `${picture.naturalWidth} × ${picture.naturalHeight} pixels`;
      },
      onerror: () => empty(place, { title: "No preview", words: "The browser cannot show this image." }),
    });
    return el("div", { class: "preview-image" }, picture, told);
  });
}

export function pdf(place, file) {
  const typeOf = (bytes) => (text(bytes, 0, 5) === "%PDF-" ? "application/pdf" : null);
  return shown(place, file, MAX_PDF_BYTES, typeOf, (url) =>
    el("iframe", { class: "preview-pdf", src: url, title: `Content of ${file.filename}` }),
  );
}
