const limit = await client.admin.organization.projects.spendLimit.update("ws_00VbjUjhHGglY7j08O6M3Oj9", {
  threshold_amount: 10000,
  currency: "USD",
  interval: "month",
});
console.log(JSON.stringify(limit, null, 2));
