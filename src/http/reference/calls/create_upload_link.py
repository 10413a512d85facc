body = {"filename": "output.jsonl", "purpose": "user_data", "max_bytes": 104857600}
link = client.post("/upload_links", cast_to=dict, body=body)
print(json.dumps(link, indent=2))
