const limit = await client.admin.organization.projects.spendLimit.retrieve("ws_00VbjUjhHGglY7j08O6M3Oj9");
console.log(JSON.stringify(limit, null, 2));
