/** What a Redis URL says: the one place that reads it. Nothing in here repeats it, for it may hold a password. */

/** Somebody who listens. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Who we are; an empty password means that nobody asks. */
export interface Credentials {
  /** Empty: Redis's user `default`. */
  readonly username: string;
  readonly password: string;
}

/** How to reach Redis. */
export interface RedisAddress {
  /** Also on the way to the sentinels. */
  readonly tls: boolean;
  /** Redis itself, or the sentinels who know where it is. */
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
  readonly sentinel: { readonly masterName: string; readonly credentials: Credentials } | null;
  readonly credentials: Credentials;
  readonly database: number;
}

const REDIS_PORT = 6_379;
const SENTINEL_PORT = 26_379;

/** `scheme://user:password@hosts/path?query`; what is before the last @ is not ours to look into. */
const SENTINEL_URL =
  /^(?<scheme>rediss?)\+sentinel:\/\/(?:(?<login>[^/?#]*)@)?(?<hosts>[^/?#]*)(?<path>[^?#]*)(?<rest>.*)$/is;

const SENTINEL_FORM = "redis+sentinel://host:port,host:port/master-name";

/**
 * Reads `redis://`, `rediss://` (TLS), `redis+sentinel://` and `rediss+sentinel://`. What is malformed comes back as the
 * end of a sentence that names the URL's place, and never a part of the URL.
 */
export function parseAddress(url: string): RedisAddress | { readonly malformed: string } {
  return /^rediss?\+sentinel:/i.test(url) ? parseSentinel(url) : parsePlain(url);
}

function parsePlain(url: string): RedisAddress | { readonly malformed: string } {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const credentials = parsed === null ? null : credentialsOf(parsed.username, parsed.password);
  const tls = parsed?.protocol === "rediss:";
  if (parsed === null || credentials === null || (!tls && parsed.protocol !== "redis:") || parsed.hostname === "") {
    return {
      malformed: `is not a Redis URL: expected redis://host:port, rediss://host:port for TLS, or ${SENTINEL_FORM}`,
    };
  }
  // Any other path would be taken for database 0, and nobody reads a query: neither was meant.
  if (!/^\/?\d*$/.test(parsed.pathname) || parsed.search !== "" || parsed.hash !== "") {
    return { malformed: "has more than host, port and database: expected redis://host:port/0" };
  }
  const endpoint = { host: bare(parsed.hostname), port: parsed.port === "" ? REDIS_PORT : Number(parsed.port) };
  return { tls, endpoints: [endpoint], sentinel: null, credentials, database: Number(parsed.pathname.slice(1)) };
}

function parseSentinel(url: string): RedisAddress | { readonly malformed: string } {
  const { scheme = "", login = "", hosts = "", path = "", rest = "" } = SENTINEL_URL.exec(url)?.groups ?? {};
  const [first, ...others] = hosts.split(",").map(endpointOf);
  // The only letters that Sentinel takes for a name.
  const [, masterName = "", database = "0"] = /^\/([A-Za-z0-9._-]+)(?:\/(\d*))?$/.exec(path) ?? [];
  const colon = login.indexOf(":");
  const credentials =
    colon < 0 ? credentialsOf(login, "") : credentialsOf(login.slice(0, colon), login.slice(colon + 1));
  const known = others.flatMap((endpoint) => endpoint ?? []);
  if (!first || known.length !== others.length || masterName === "" || credentials === null) {
    return {
      malformed: `is not a Sentinel URL: expected ${SENTINEL_FORM}, with /database after the name if it is not 0`,
    };
  }
  const options = rest === "" ? new URLSearchParams() : new URLSearchParams(rest);
  const strange = [...options.keys()].some((key) => key !== "sentinel_username" && key !== "sentinel_password");
  if (strange || rest.includes("#")) {
    return { malformed: "has an option that is not known: expected sentinel_username and sentinel_password at most" };
  }
  return {
    tls: scheme.toLowerCase() === "rediss",
    endpoints: [first, ...known],
    sentinel: {
      masterName,
      credentials: {
        username: options.get("sentinel_username") ?? "",
        password: options.get("sentinel_password") ?? "",
      },
    },
    credentials,
    database: Number(database),
  };
}

/** The address for people: hosts, ports and the master's name, never a user, a password or the database. */
export function inWords({ endpoints, sentinel }: RedisAddress): string {
  const hosts = endpoints.map(endpointInWords).join(", ");
  return sentinel === null ? hosts : `${sentinel.masterName} (sentinels ${hosts})`;
}

/** One of them for people. */
export function endpointInWords({ host, port }: Endpoint): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function endpointOf(text: string): Endpoint | null {
  // A scheme that has no port of its own, so that no port is taken for a default and left out.
  const parsed = URL.canParse(`redis://${text}`) ? new URL(`redis://${text}`) : null;
  if (parsed === null || parsed.hostname === "" || parsed.host !== parsed.href.slice("redis://".length)) return null;
  return { host: bare(parsed.hostname), port: parsed.port === "" ? SENTINEL_PORT : Number(parsed.port) };
}

/** Null where a % is no escape. */
function credentialsOf(username: string, password: string): Credentials | null {
  const [user, secret] = [decoded(username), decoded(password)];
  return user === null || secret === null ? null : { username: user, password: secret };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** An IPv6 address without its brackets, as sockets want it. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}
