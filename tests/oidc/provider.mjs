// An OpenID provider (the npm package oidc-provider, which is certified) on a free loopback port. Its configuration is a
// JSON file named by the first argument: clients, the port, and the people who are known, read anew for each question.
import { readFileSync } from "node:fs";
import { Provider } from "oidc-provider";

const path = process.argv[2];
const settings = () => JSON.parse(readFileSync(path, "utf8"));
const { port, clients, claimsInToken } = settings();
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients,
  cookies: { keys: ["a key of a test"] },
  conformIdTokenClaims: !claimsInToken,
  claims: {
    openid: ["sub"],
    profile: ["preferred_username", "name"],
    email: ["email", "email_verified"],
    groups: ["groups"],
  },
  features: { devInteractions: { enabled: true }, backchannelLogout: { enabled: true } },
  ttl: { AccessToken: 600, IdToken: 600, RefreshToken: 86400, Session: 86400, Grant: 86400, Interaction: 600 },
  // Without the guard against addresses of one's own, for the registry is at one.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  findAccount: (_, id) => {
    const person = settings().people[id];
    return person && { accountId: id, claims: async () => ({ sub: id, ...person }) };
  },
});
provider.on("server_error", (_, error) => console.error(error));
provider.on("backchannel.error", (_, error) => console.error("backchannel", error));
provider.listen(port, "127.0.0.1", () => console.log(issuer));
