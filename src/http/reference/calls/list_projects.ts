const page = await client.admin.organization.projects.list({ limit: 20 });
console.log(JSON.stringify(page.data, null, 2));
