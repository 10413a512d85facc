const user = await client.admin.organization.users.update("user_00VbjUjhHGglY7j08O6M3Oj9", { role: "owner" });
console.log(JSON.stringify(user, null, 2));
