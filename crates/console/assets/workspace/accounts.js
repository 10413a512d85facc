// The state of a server that people sign in to by key alone.
export const NO_ACCOUNTS = {
  title: "This server has no accounts of people",
  words: "People sign in with keys. The operator can connect a provider of accounts by OpenID Connect.",
  symbol: "key",
};
