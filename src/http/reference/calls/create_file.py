file = client.files.create(file=open("notes.txt", "rb"), purpose="user_data")
print(file.to_json())
