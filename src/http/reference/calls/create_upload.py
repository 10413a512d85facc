upload = client.uploads.create(bytes=14, filename="notes.txt", mime_type="text/plain", purpose="user_data")
print(upload.to_json())
