// The request of a form of Try it, and the same request as a command. Pure: it only reads the form.
export function requestOf(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = {};
  const fields = [];
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
    } else fields.push([input.name, value]);
  }
  const search = query.size ? `?${query}` : "";
  return { method: form.dataset.method, path: path + search, headers, fields, body };
}

export function formOf(fields) {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  return form;
}

// The request in the words of curl. The key stays in its environment variable: a command is pasted into chats.
export function curlOf({ method, path, headers, fields, body }, origin, variable) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const lines = [`curl -X ${method} ${quoted(origin + path)}`, `-H "Authorization: Bearer $${variable}"`];
  for (const [name, value] of Object.entries(headers)) lines.push(`-H ${quoted(`${name}: ${value}`)}`);
  for (const [name, value] of fields) {
    const text = value instanceof File ? `@${value.name}` : value;
    lines.push(`-F ${quoted(`${name}=${text}`)}`);
  }
  if (body !== null) lines.push(`-d ${quoted(body)}`);
  return `${lines.join(" \\\n  ")}\n`;
}
