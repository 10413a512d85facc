const key = await client.post(
  "/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/api_keys/key_00VbjUjhHGglY7j08O6M3Oj9/rotate",
  { body: { overlap_seconds: 3600 } },
);
console.log(JSON.stringify(key, null, 2));
