const deleted = await client.admin.organization.users.delete("user_00VbjUjhHGglY7j08O6M3Oj9");
console.log(JSON.stringify(deleted, null, 2));
