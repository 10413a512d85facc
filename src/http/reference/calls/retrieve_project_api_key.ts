const key = await client.admin.organization.projects.apiKeys.retrieve("key_00VbjUjhHGglY7j08O6M3Oj9", {
  project_id: "ws_00VbjUjhHGglY7j08O6M3Oj9",
});
console.log(JSON.stringify(key, null, 2));
