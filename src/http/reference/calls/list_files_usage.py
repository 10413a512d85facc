usage = client.get("/organization/usage/files", cast_to=dict, options={"params": {"start_time": 1795305600}})
print(json.dumps(usage, indent=2))
