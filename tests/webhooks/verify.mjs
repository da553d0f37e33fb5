// Verifies webhooks: a line of JSON in ({by, key, headers, body}), a line out (true or false). `by` is "library" with a whsec_ secret, or
// "ed25519" with a whpk_ key.
import { createPublicKey, verify } from "node:crypto";
import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

function byLibrary(secret, headers, body) {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch (error) {
    if (error.name !== "WebhookVerificationError") throw error;
    return false;
  }
}

function byKey(key, headers, body) {
  const raw = Buffer.from(key.slice("whpk_".length), "base64");
  const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw]);
  const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });
  const content = Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
  const entries = headers["webhook-signature"].split(" ").filter((entry) => entry.startsWith("v1a,"));
  return entries.some((entry) => verify(null, content, publicKey, Buffer.from(entry.slice(4), "base64")));
}

for await (const line of createInterface({ input: process.stdin })) {
  const { by, key, headers, body } = JSON.parse(line);
  console.log(by === "library" ? byLibrary(key, headers, body) : byKey(key, headers, body));
}
