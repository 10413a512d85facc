const link = await client.get("/files/file-00VbjUjhHGglY7j08O6M3Oj9/url");
console.log(JSON.stringify(link, null, 2));
