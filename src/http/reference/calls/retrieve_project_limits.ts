const limits = await client.get("/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/limits");
console.log(JSON.stringify(limits, null, 2));
