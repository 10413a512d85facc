const key = await client.get("/organization/key");
console.log(JSON.stringify(key, null, 2));
