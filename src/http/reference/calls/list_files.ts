const page = await client.files.list({ limit: 1 });
console.log(JSON.stringify(page.data, null, 2));
