file = client.files.retrieve("file-00VbjUjhHGglY7j08O6M3Oj9")
print(file.to_json())
