page = client.admin.organization.projects.users.list("ws_00VbjUjhHGglY7j08O6M3Oj9", limit=20)
print(page.to_json())
