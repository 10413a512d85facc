project = client.admin.organization.projects.create(name="research")
print(project.to_json())
