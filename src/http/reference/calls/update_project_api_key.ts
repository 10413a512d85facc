const key = await client.admin.organization.projects.apiKeys.update("key_00VbjUjhHGglY7j08O6M3Oj9", {
  project_id: "ws_00VbjUjhHGglY7j08O6M3Oj9",
  expires_in_seconds: 86400,
});
console.log(JSON.stringify(key, null, 2));
