link = client.post("/files/file-00VbjUjhHGglY7j08O6M3Oj9/links", cast_to=dict, body={"expires_in": 86400})
print(json.dumps(link, indent=2))
