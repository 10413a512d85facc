const project = await client.admin.organization.projects.archive("ws_00VbjUjhHGglY7j08O6M3Oj9");
console.log(JSON.stringify(project, null, 2));
