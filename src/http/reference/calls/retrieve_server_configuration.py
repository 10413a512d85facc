configuration = client.get("/organization/server/configuration", cast_to=dict)
print(json.dumps(configuration, indent=2))
