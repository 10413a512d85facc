key = client.admin.organization.admin_api_keys.create(name="deploy")
print(key.to_json())
