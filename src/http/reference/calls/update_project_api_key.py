key = client.admin.organization.projects.api_keys.update(
    "key_00VbjUjhHGglY7j08O6M3Oj9", project_id="ws_00VbjUjhHGglY7j08O6M3Oj9", expires_in_seconds=86400
)
print(key.to_json())
