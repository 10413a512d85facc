part = client.uploads.parts.create("upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11", data=open("notes.txt", "rb"))
print(part.to_json())
