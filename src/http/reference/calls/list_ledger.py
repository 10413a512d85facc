lines = client.get("/organization/usage/ledger", cast_to=str, options={"params": {"limit": 100}})
print(lines)
