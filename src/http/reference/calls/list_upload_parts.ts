const parts = await client.get("/uploads/upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11/parts", { query: { limit: 100 } });
console.log(JSON.stringify(parts, null, 2));
