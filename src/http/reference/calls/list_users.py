page = client.admin.organization.users.list(limit=20)
print(page.to_json())
