parts = client.get(
    "/uploads/upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11/parts", cast_to=dict, options={"params": {"limit": 100}}
)
print(json.dumps(parts, indent=2))
