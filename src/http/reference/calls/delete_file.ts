const deleted = await client.files.delete("file-00VbjUjhHGglY7j08O6M3Oj9");
console.log(JSON.stringify(deleted, null, 2));
