const account = await client.admin.organization.projects.serviceAccounts.create("ws_00VbjUjhHGglY7j08O6M3Oj9", {
  name: "ci",
});
console.log(JSON.stringify(account, null, 2));
