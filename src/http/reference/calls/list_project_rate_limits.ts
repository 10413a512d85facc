const page = await client.admin.organization.projects.rateLimits.listRateLimits("ws_00VbjUjhHGglY7j08O6M3Oj9");
console.log(JSON.stringify(page.data, null, 2));
