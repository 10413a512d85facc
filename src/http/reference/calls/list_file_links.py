links = client.get("/files/file-00VbjUjhHGglY7j08O6M3Oj9/links", cast_to=dict)
print(json.dumps(links, indent=2))
