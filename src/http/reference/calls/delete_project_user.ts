const deleted = await client.admin.organization.projects.users.delete("user_00VbjUjhHGglY7j08O6M3Oj9", {
  project_id: "ws_00VbjUjhHGglY7j08O6M3Oj9",
});
console.log(JSON.stringify(deleted, null, 2));
