const limits = await client.post(
  "/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/api_keys/key_00VbjUjhHGglY7j08O6M3Oj9/limits",
  { body: { requests_per_minute: 600 } },
);
console.log(JSON.stringify(limits, null, 2));
