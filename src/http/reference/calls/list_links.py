links = client.get("/links", cast_to=dict)
print(json.dumps(links, indent=2))
