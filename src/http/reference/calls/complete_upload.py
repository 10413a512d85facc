upload = client.uploads.complete(
    "upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11", part_ids=["part_2f6b1a8e4a0c4d6f9b1f35d7c8e90a12"]
)
print(upload.to_json())
