limit = client.admin.organization.projects.rate_limits.update_rate_limit(
    "rl-requests", project_id="ws_00VbjUjhHGglY7j08O6M3Oj9", max_requests_per_1_minute=600
)
print(limit.to_json())
