const links = await client.get("/files/file-00VbjUjhHGglY7j08O6M3Oj9/links");
console.log(JSON.stringify(links, null, 2));
