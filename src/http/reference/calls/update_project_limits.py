limits = client.post(
    "/organization/projects/ws_00VbjUjhHGglY7j08O6M3Oj9/limits", cast_to=dict, body={"storage_bytes": 1073741824}
)
print(json.dumps(limits, indent=2))
