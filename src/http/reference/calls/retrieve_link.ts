const link = await client.get("/links/link_00VbjUjhHGglY7j08O6M3Oj9");
console.log(JSON.stringify(link, null, 2));
