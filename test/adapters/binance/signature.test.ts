import { describe, expect, test } from "bun:test";
import { generateKeyPairSync, verify } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { percentEncode, queryString, signer } from "../../../src/adapters/binance/signature.ts";

const DOCS_SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9";

describe("signer()", () => {
  // binance.md 2.4: Binance's documented example, and the same split over query and body. Recomputed with openssl.
  const vectors = [
    {
      fact: "gives the documented signature",
      payload:
        "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943",
      signature: "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9",
    },
    {
      fact: "signs the bytes it is given, a missing ampersand included",
      payload:
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=9000&recvWindow=5000&timestamp=1591702613943",
      signature: "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4",
    },
  ];
  for (const { fact, payload, signature } of vectors) {
    test(`an HMAC secret ${fact}`, () => {
      expect(signer(DOCS_SECRET).sign(payload)).toBe(signature);
    });
  }

  test("a secret read from a file may end in a newline", () => {
    expect(signer(`${DOCS_SECRET}\n`).sign("a=1")).toBe(signer(DOCS_SECRET).sign("a=1"));
  });

  const pem = { type: "pkcs8", format: "pem" } as const;
  const ed25519 = generateKeyPairSync("ed25519");
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const keys = [
    { kind: "ed25519", digest: null, publicKey: ed25519.publicKey, secret: ed25519.privateKey.export(pem).toString() },
    { kind: "rsa", digest: "RSA-SHA256", publicKey: rsa.publicKey, secret: rsa.privateKey.export(pem).toString() },
  ] as const;

  for (const { kind, digest, publicKey, secret } of keys) {
    test(`a ${kind} key is told from its PEM and its signature verifies`, () => {
      const keyed = signer(secret);
      expect(keyed.keyKind).toBe(kind);
      for (const payload of ["timestamp=1", "symbol=%E5%B8%81%E5%AE%89USDT&timestamp=2"]) {
        const encoded = keyed.sign(payload);
        expect(encoded).toMatch(/^[A-Za-z0-9\-_.~%]+$/);
        const signature = Buffer.from(decodeURIComponent(encoded), "base64");
        expect(verify(digest, Buffer.from(payload), publicKey, signature)).toBe(true);
      }
    });
  }

  test("a PEM whose line ends were escaped for an environment variable is read all the same", () => {
    expect(signer(keys[0].secret.replaceAll("\n", "\\n")).sign("a=1")).toBe(signer(keys[0].secret).sign("a=1"));
  });

  test("no inspection, JSON or property shows the secret", () => {
    for (const secret of [DOCS_SECRET, keys[0].secret, keys[1].secret]) {
      const keyed = signer(secret);
      const shown =
        inspect(keyed, { depth: null, showHidden: true }) + JSON.stringify(keyed) + String(Object.values(keyed));
      for (const line of secret.split("\n").filter((part) => part.length > 20 && !part.startsWith("---"))) {
        expect(shown).not.toContain(line);
      }
    }
  });

  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export(pem).toString();
  const unusable = [
    ["", "Cannot sign: the API secret is empty"],
    [" \n", "Cannot sign: the API secret is empty"],
    [ec, "Cannot sign with a key of type ec: expected Ed25519 or RSA"],
    ["-----BEGIN PRIVATE KEY-----\nTk9QRQ==\n-----END PRIVATE KEY-----", "no unencrypted private key"],
  ] as const;
  for (const [secret, message] of unusable) {
    test(`refuses ${JSON.stringify(secret.slice(0, 30))}: ${message}`, () => {
      expect(() => signer(secret)).toThrow(message);
    });
  }
});

describe("percentEncode() and queryString()", () => {
  const text = fc.string({ unit: "grapheme" });

  test("only unreserved characters and escapes come out, and every decoder reads back what went in", () => {
    fc.assert(
      fc.property(text, (value) => {
        const encoded = percentEncode(value);
        expect(encoded).toMatch(/^([A-Za-z0-9\-_.~]|%[0-9A-F]{2})*$/);
        expect(decodeURIComponent(encoded)).toBe(value);
      }),
    );
  });

  test("a query reads back as the same names and values in the same order", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text)), (params) => {
        expect([...new URLSearchParams(queryString(params))]).toEqual(params);
      }),
    );
  });

  const rows = [
    ["BTCUSDT", "BTCUSDT"],
    ["币安人生USDT", "%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT"],
    ["a b+c", "a%20b%2Bc"],
    ["!'()*~", "%21%27%28%29%2A~"],
    ['["x"]', "%5B%22x%22%5D"],
    ["half a pair \ud800", "half%20a%20pair%20%EF%BF%BD"],
  ] as const;
  for (const [plain, encoded] of rows) {
    test(`${JSON.stringify(plain)} becomes ${encoded}`, () => {
      expect(percentEncode(plain)).toBe(encoded);
    });
  }
});
