account = client.admin.organization.projects.service_accounts.retrieve(
    "key_00VbjUjhHGglY7j08O6M3Oj9", project_id="ws_00VbjUjhHGglY7j08O6M3Oj9"
)
print(account.to_json())
