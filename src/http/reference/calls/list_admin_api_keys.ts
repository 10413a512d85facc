const page = await client.admin.organization.adminAPIKeys.list({ limit: 20, order: "desc" });
console.log(JSON.stringify(page.data, null, 2));
