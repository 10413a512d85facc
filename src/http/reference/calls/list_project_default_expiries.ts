const expiries = await client.get("/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/default_expiries");
console.log(JSON.stringify(expiries, null, 2));
