const link = await client.post("/files/file-00VbjUjhHGglY7j08O6M3Oj9/links", { body: { expires_in: 86400 } });
console.log(JSON.stringify(link, null, 2));
