expiry = client.delete("/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/default_expiries/batch", cast_to=dict)
print(json.dumps(expiry, indent=2))
