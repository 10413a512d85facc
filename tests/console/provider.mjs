// A certified OpenID provider (npm `oidc-provider`) that signs everyone in as the account that the test chose.
import http from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { freePort } from "./server.mjs";

const require = createRequire(`${process.env.NODE_MODULES}/`);
const { default: Provider } = await import(pathToFileURL(require.resolve("oidc-provider")).href);

/**
 * Starts a provider with one client.
 * @param {{client: {id: string, secret: string, origin: string}, accounts: Record<string, object>}} of `accounts` has the claims of
 *   each subject
 */
export async function provide({ client, accounts }) {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const chosen = { account: null };
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        redirect_uris: [`${client.origin}/console/sign-in/oidc/callback`],
        backchannel_logout_uri: `${client.origin}/console/oidc/back-channel-logout`,
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
    conformIdTokenClaims: false,
    cookies: { keys: ["of-the-tests"] },
    // Its own requests would not go to this machine.
    fetch: (url, options) => globalThis.fetch(url, { ...options, dispatcher: undefined }),
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
    findAccount: (_, id) => accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    pkce: { required: () => true },
    ttl: { AccessToken: 600, IdToken: 600, Session: 600, Grant: 600, Interaction: 600 },
  });
  const answer = provider.callback();
  const interact = async (request, response) => {
    const { prompt, params, session } = await provider.interactionDetails(request, response);
    if (prompt.name === "login") {
      await provider.interactionFinished(request, response, { login: { accountId: chosen.account } });
      return;
    }
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
  };
  const server = http.createServer((request, response) => {
    if (!request.url.startsWith("/interaction/")) return answer(request, response);
    return interact(request, response).catch((error) => response.writeHead(500).end(String(error)));
  });
  await new Promise((listening) => {
    server.listen(port, "127.0.0.1", listening);
  });
  return {
    issuer,
    choose(account) {
      chosen.account = account;
    },
    /** Tells the client that a subject has logged out everywhere. */
    async logOut(account) {
      const found = await provider.Client.find(client.id);
      await found.backchannelLogout(account);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((closed) => {
        server.close(closed);
      });
    },
  };
}
