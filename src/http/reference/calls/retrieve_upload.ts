const upload = await client.get("/uploads/upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11");
console.log(JSON.stringify(upload, null, 2));
