const file = await client.files.retrieve("file-00VbjUjhHGglY7j08O6M3Oj9");
console.log(JSON.stringify(file, null, 2));
