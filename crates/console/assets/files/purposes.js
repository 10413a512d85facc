// The purposes of Files, in words.

/** Purposes that a person may choose, with what they are for. */
export const CHOOSABLE = [
  ["user_data", "user_data", "Inputs of models, and files of any other use"],
  ["batch", "batch", "Requests of a batch, JSON Lines; each line is checked"],
  ["fine-tune", "fine-tune", "Examples for training, JSON Lines; each line is checked"],
  ["assistants", "assistants", "Files of assistants and vector stores"],
  ["vision", "vision", "Images"],
  ["evals", "evals", "Data of evaluations"],
];

/** Purposes whose lines the server checks when a file arrives in one request. */
export const CHECKED = new Set(["batch", "fine-tune"]);

export const EXPIRIES = [
  ["", "Default of the workspace"],
  ["3600", "After an hour"],
  ["86400", "After a day"],
  ["604800", "After 7 days"],
  ["2592000", "After 30 days"],
];
