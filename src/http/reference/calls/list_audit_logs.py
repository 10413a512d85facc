page = client.admin.organization.audit_logs.list(project_ids=["ws_00VbjUjhHGglY7j08O6M3Oj9"], limit=20)
print(page.to_json())
