key = client.admin.organization.projects.api_keys.retrieve(
    "key_00VbjUjhHGglY7j08O6M3Oj9", project_id="ws_00VbjUjhHGglY7j08O6M3Oj9"
)
print(key.to_json())
