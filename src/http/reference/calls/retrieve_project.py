project = client.admin.organization.projects.retrieve("ws_00VbjUjhHGglY7j08O6M3Oj9")
print(project.to_json())
