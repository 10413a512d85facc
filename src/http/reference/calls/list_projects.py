page = client.admin.organization.projects.list(limit=1)
print(page.to_json())
