const project = await client.admin.organization.projects.update("ws_00VbjUjhHGglY7j08O6M3Oj9", { name: "research 2" });
console.log(JSON.stringify(project, null, 2));
