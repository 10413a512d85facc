const content = await client.files.content("file-00VbjUjhHGglY7j08O6M3Oj9");
console.log(await content.text());
