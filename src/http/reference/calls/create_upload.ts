const upload = await client.uploads.create({
  bytes: 14,
  filename: "notes.txt",
  mime_type: "text/plain",
  purpose: "user_data",
});
console.log(JSON.stringify(upload, null, 2));
