const key = await client.admin.organization.adminAPIKeys.create({ name: "deploy" });
console.log(JSON.stringify(key, null, 2));
