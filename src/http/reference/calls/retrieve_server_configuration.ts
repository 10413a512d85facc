const configuration = await client.get("/organization/server/configuration");
console.log(JSON.stringify(configuration, null, 2));
