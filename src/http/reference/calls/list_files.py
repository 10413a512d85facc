page = client.files.list(limit=1)
print(page.to_json())
