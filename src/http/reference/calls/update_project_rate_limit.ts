const limit = await client.admin.organization.projects.rateLimits.updateRateLimit("rl-requests", {
  project_id: "ws_00VbjUjhHGglY7j08O6M3Oj9",
  max_requests_per_1_minute: 600,
});
console.log(JSON.stringify(limit, null, 2));
