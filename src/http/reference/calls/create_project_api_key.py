key = client.post(
    "/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/api_keys", cast_to=dict, body={"name": "worker"}
)
print(json.dumps(key, indent=2))
