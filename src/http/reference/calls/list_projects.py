page = client.admin.organization.projects.list(limit=20)
print(page.to_json())
