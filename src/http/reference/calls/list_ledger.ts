const response = await client.get("/organization/usage/ledger", { query: { limit: 1 } }).asResponse();
console.log(await response.text());
