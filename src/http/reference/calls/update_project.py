project = client.admin.organization.projects.update("ws_00VbjUjhHGglY7j08O6M3Oj9", name="research 2")
print(project.to_json())
