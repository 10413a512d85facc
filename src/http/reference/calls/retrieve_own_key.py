key = client.get("/organization/key", cast_to=dict)
print(json.dumps(key, indent=2))
