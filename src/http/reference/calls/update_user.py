user = client.admin.organization.users.update("user_00VbjUjhHGglY7j08O6M3Oj9", role="owner")
print(user.to_json())
