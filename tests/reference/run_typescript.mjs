// Runs the TypeScript samples that `SAMPLES` lists, one after the other, each as a module of its own, as it is: Node strips the
// types. Prints what each printed.
const print = console.log;

for (const { file, key } of JSON.parse(process.env.SAMPLES)) {
  process.env.VENNA_API_KEY = key;
  const printed = [];
  console.log = (text) => printed.push(`${text}\n`);
  await import(file);
  print(JSON.stringify(printed.join("")));
}
