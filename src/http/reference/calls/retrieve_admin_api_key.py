key = client.admin.organization.admin_api_keys.retrieve("key_00VbjV0eKQh2wXc7sT4uYb1m")
print(key.to_json())
