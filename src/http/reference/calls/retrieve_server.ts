const server = await client.get("/organization/server");
console.log(JSON.stringify(server, null, 2));
