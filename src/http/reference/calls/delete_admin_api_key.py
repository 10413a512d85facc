deleted = client.admin.organization.admin_api_keys.delete("key_00VbjV0eKQh2wXc7sT4uYb1m")
print(deleted.to_json())
