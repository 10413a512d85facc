deleted = client.files.delete("file-00VbjUjhHGglY7j08O6M3Oj9")
print(deleted.to_json())
