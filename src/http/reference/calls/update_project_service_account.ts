const account = await client.admin.organization.projects.serviceAccounts.update("key_00VbjUjhHGglY7j08O6M3Oj9", {
  project_id: "ws_00VbjUjhHGglY7j08O6M3Oj9",
  name: "nightly",
});
console.log(JSON.stringify(account, null, 2));
