const page = await client.admin.organization.projects.list({ limit: 1 });
console.log(JSON.stringify(page.data, null, 2));
