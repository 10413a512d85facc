const revocation = await client.post("/links/revoke", { body: { api_key_id: "key_00VbjUjhHGglY7j08O6M3Oj9" } });
console.log(JSON.stringify(revocation, null, 2));
