const key = await client.admin.organization.adminAPIKeys.retrieve("key_00VbjV0eKQh2wXc7sT4uYb1m");
console.log(JSON.stringify(key, null, 2));
