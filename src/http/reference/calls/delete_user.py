deleted = client.admin.organization.users.delete("user_00VbjUjhHGglY7j08O6M3Oj9")
print(deleted.to_json())
