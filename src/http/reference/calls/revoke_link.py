link = client.post("/links/link_00VbjUjhHGglY7j08O6M3Oj9/revoke", cast_to=dict)
print(json.dumps(link, indent=2))
