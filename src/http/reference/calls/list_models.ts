const page = await client.models.list();
console.log(JSON.stringify(page.data, null, 2));
