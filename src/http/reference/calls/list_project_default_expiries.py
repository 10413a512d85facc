expiries = client.get("/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/default_expiries", cast_to=dict)
print(json.dumps(expiries, indent=2))
