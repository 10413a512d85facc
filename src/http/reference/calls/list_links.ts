const links = await client.get("/links");
console.log(JSON.stringify(links, null, 2));
