const part = await client.uploads.parts.create("upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11", {
  data: fs.createReadStream("notes.txt"),
});
console.log(JSON.stringify(part, null, 2));
