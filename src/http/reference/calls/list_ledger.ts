const response = await client.get("/organization/usage/ledger", { query: { limit: 100 } }).asResponse();
console.log(await response.text());
