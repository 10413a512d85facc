page = client.admin.organization.admin_api_keys.list(limit=20, order="desc")
print(page.to_json())
