const page = await client.admin.organization.users.list({ limit: 20 });
console.log(JSON.stringify(page.data, null, 2));
