const usage = await client.get("/organization/usage/files", { query: { start_time: 1795305600 } });
console.log(JSON.stringify(usage, null, 2));
