user = client.admin.organization.projects.users.retrieve("user_00VbjUjhHGglY7j08O6M3Oj9", project_id="ws_00VbjUjhHGglY7j08O6M3Oj9")
print(user.to_json())
