user = client.admin.organization.projects.users.create(
    "ws_00VbjUjhHGglY7j08O6M3Oj9", user_id="user_00VbjUjhHGglY7j08O6M3Oj9", role="owner"
)
print(user.to_json())
