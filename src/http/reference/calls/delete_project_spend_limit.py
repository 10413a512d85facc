deleted = client.admin.organization.projects.spend_limit.delete("ws_00VbjUjhHGglY7j08O6M3Oj9")
print(deleted.to_json())
