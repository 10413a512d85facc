const expiry = await client.delete("/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/default_expiries/batch");
console.log(JSON.stringify(expiry, null, 2));
