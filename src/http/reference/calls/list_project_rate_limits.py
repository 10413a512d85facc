page = client.admin.organization.projects.rate_limits.list_rate_limits("ws_00VbjUjhHGglY7j08O6M3Oj9")
print(page.to_json())
