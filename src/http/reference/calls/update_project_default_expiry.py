expiry = client.post(
    "/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/default_expiries/batch",
    cast_to=dict,
    body={"expires_after": {"anchor": "created_at", "seconds": 604800}},
)
print(json.dumps(expiry, indent=2))
