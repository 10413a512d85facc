upload = client.get("/uploads/upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11", cast_to=dict)
print(json.dumps(upload, indent=2))
