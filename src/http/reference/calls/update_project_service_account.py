account = client.admin.organization.projects.service_accounts.update(
    "key_00VbjUjhHGglY7j08O6M3Oj9", project_id="ws_00VbjUjhHGglY7j08O6M3Oj9", name="nightly"
)
print(account.to_json())
