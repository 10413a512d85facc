server = client.get("/organization/server", cast_to=dict)
print(json.dumps(server, indent=2))
