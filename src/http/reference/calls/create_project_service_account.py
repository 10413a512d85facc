account = client.admin.organization.projects.service_accounts.create("ws_00VbjUjhHGglY7j08O6M3Oj9", name="ci")
print(account.to_json())
