const expiry = await client.post("/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/default_expiries/batch", {
  body: { expires_after: { anchor: "created_at", seconds: 604800 } },
});
console.log(JSON.stringify(expiry, null, 2));
