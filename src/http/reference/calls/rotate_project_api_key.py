key = client.post(
    "/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/api_keys/key_00VbjUjhHGglY7j08O6M3Oj9/rotate",
    cast_to=dict,
    body={"overlap_seconds": 3600},
)
print(json.dumps(key, indent=2))
