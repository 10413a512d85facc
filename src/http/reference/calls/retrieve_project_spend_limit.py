limit = client.admin.organization.projects.spend_limit.retrieve("ws_00VbjUjhHGglY7j08O6M3Oj9")
print(limit.to_json())
