link = client.get("/files/file-00VbjUjhHGglY7j08O6M3Oj9/url", cast_to=dict)
print(json.dumps(link, indent=2))
