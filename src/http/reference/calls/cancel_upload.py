upload = client.uploads.cancel("upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11")
print(upload.to_json())
