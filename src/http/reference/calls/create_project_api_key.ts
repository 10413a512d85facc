const key = await client.post("/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/api_keys", {
  body: { name: "worker" },
});
console.log(JSON.stringify(key, null, 2));
