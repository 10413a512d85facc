const link = await client.post("/links/link_00VbjUjhHGglY7j08O6M3Oj9/revoke");
console.log(JSON.stringify(link, null, 2));
