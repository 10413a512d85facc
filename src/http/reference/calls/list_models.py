page = client.models.list()
print(page.to_json())
