limit = client.admin.organization.projects.spend_limit.update(
    "ws_00VbjUjhHGglY7j08O6M3Oj9", threshold_amount=10000, currency="USD", interval="month"
)
print(limit.to_json())
