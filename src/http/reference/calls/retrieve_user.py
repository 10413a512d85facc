user = client.admin.organization.users.retrieve("user_00VbjUjhHGglY7j08O6M3Oj9")
print(user.to_json())
