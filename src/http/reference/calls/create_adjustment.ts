const adjustment = await client.post("/organization/usage/adjustments", {
  body: {
    project_id: "ws_00VbjUjhHGglY7j08O6M3Oj9",
    line_item: "files.egress",
    quantity: "-10737418240",
    reason: "ticket 4711: a looping client",
  },
});
console.log(JSON.stringify(adjustment, null, 2));
