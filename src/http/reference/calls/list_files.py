page = client.files.list(limit=20)
print(page.to_json())
