const page = await client.files.list({ limit: 20 });
console.log(JSON.stringify(page.data, null, 2));
