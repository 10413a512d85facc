limits = client.get("/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/limits", cast_to=dict)
print(json.dumps(limits, indent=2))
