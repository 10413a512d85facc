const body = { filename: "output.jsonl", purpose: "user_data", max_bytes: 104857600 };
const link = await client.post("/upload_links", { body });
console.log(JSON.stringify(link, null, 2));
