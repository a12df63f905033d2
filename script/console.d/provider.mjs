// An identity provider on this machine, for the tests: provider.mjs PORT REDIRECT_URI
// A login NAME:GROUP,GROUP belongs to these groups; any password will do. PKCE is required.
import { createRequire } from "node:module";
const require = createRequire(`${process.env.CONVOKE_NPM}/`);
const { default: Provider } = await import(require.resolve("oidc-provider"));
const [port, redirect] = process.argv.slice(2);

const provider = new Provider(`http://localhost:${port}`, {
  clients: [{
    client_id: "convoke", client_secret: "a secret of the tests", redirect_uris: [redirect],
    grant_types: ["authorization_code"], response_types: ["code"],
  }],
  claims: { openid: ["sub", "preferred_username", "groups"] },
  // The groups are in the identity token itself.
  conformIdTokenClaims: false,
  pkce: { methods: ["S256"], required: () => true },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => {
      const [name, groups = ""] = id.split(":");
      return { sub: id, preferred_username: name, groups: groups.split(",").filter(Boolean) };
    },
  }),
});
// Its warnings are about keys made for one run, which is intended.
console.warn = console.info = () => {};
provider.listen(Number(port), "localhost", () => console.log("ready"));
