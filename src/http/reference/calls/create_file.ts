const file = await client.files.create({ file: fs.createReadStream("notes.txt"), purpose: "user_data" });
console.log(JSON.stringify(file, null, 2));
