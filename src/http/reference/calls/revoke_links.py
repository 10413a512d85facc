revocation = client.post("/links/revoke", cast_to=dict, body={"api_key_id": "key_00VbjUjhHGglY7j08O6M3Oj9"})
print(json.dumps(revocation, indent=2))
