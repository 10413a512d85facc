const project = await client.admin.organization.projects.create({ name: "research" });
console.log(JSON.stringify(project, null, 2));
