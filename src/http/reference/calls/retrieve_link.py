link = client.get("/links/link_00VbjUjhHGglY7j08O6M3Oj9", cast_to=dict)
print(json.dumps(link, indent=2))
