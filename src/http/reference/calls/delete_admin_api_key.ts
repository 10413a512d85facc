const deleted = await client.admin.organization.adminAPIKeys.delete("key_00VbjV0eKQh2wXc7sT4uYb1m");
console.log(JSON.stringify(deleted, null, 2));
