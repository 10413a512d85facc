const limits = await client.post("/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/limits", {
  body: { storage_bytes: 1073741824 },
});
console.log(JSON.stringify(limits, null, 2));
