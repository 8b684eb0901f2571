/**
 * What may go wrong with Redis, what each error means for the person who reads of it at night, and whether it may pass by
 * itself: the one home of that knowledge.
 *
 * The first row that fits counts. Whatever the row, the connection is thrown away, the question stays unknown, and it is
 * asked again at the same pace: to give up would be to stop protecting. `person` only adds an alert. It stands wherever an
 * error may last until somebody acts, as what no row knows may; an alert too many costs less than one too few.
 * Sources: Redis 7.0's `server.c`, `shared` errors; Node's `net` and `tls` error codes; each row that Redis itself can be
 * brought to say was seen in `test/adapters/redis/error-table.test.ts`.
 */

/** One row. */
export interface RedisErrorRow {
  /** Fits the error's code, where it has one, and its message. Redis puts a code of its own before its words. */
  readonly sign: RegExp;
  /** What it means and what to do; null where the error says it. */
  readonly words: string | null;
  readonly mends: "itself" | "person";
}

const NO_WRITES = "no panic can be published there and no halt written";
const CLUSTER = "this is a Redis Cluster, which Quantum can't use: name a single Redis, or its sentinels";

/** The table. */
export const REDIS_ERRORS: readonly RedisErrorRow[] = [
  // The sentinels, before the rows for what one of them may have said.
  { sign: /^NOMASTER .*No such master/, words: "mend the name at the end of REDIS_URL", mends: "person" },
  {
    sign: /^NOMASTER .*(NOAUTH|WRONGPASS|NOPERM) /,
    words: "mend sentinel_username and sentinel_password in REDIS_URL",
    mends: "person",
  },

  // TLS.
  {
    sign: /ERR_TLS_CERT_ALTNAME_INVALID/,
    words: "its certificate is for another name: use that one in REDIS_URL",
    mends: "person",
  },
  {
    sign: /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/,
    words: "its certificate is not valid today: renew it",
    mends: "person",
  },
  {
    sign: /SELF_SIGNED_CERT|UNABLE_TO_(GET|VERIFY)|CERT_/,
    words: "its certificate is signed by nobody known: name who signs it in REDIS_CA_FILE",
    mends: "person",
  },
  { sign: /WRONG_VERSION_NUMBER|wrong version number/i, words: "it does not speak TLS on this port", mends: "person" },

  // No answer.
  { sign: /^NOMASTER /, words: null, mends: "itself" },
  { sign: /^no answer within /, words: null, mends: "itself" },
  { sign: /ECONNREFUSED/, words: "nothing listens there", mends: "itself" },
  { sign: /ENOTFOUND|EAI_AGAIN/, words: "its name can't be resolved", mends: "itself" },
  { sign: /ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/, words: "the host can't be reached", mends: "itself" },
  {
    sign: /ECONNRESET|EPIPE|Connection is closed/,
    words: "the connection broke; if it always does, the other side wants TLS, or none, or a client's certificate",
    mends: "itself",
  },

  // Where the master is, and whether this is it.
  { sign: /^READONLY /, words: `a replica, ${NO_WRITES}: name the master or its sentinels`, mends: "person" },
  { sign: /^MASTERDOWN /, words: "a replica that has lost its master: name the master in REDIS_URL", mends: "person" },
  { sign: /^UNBLOCKED /, words: "the stream was deleted, or Redis has become a replica", mends: "itself" },
  { sign: /^(CLUSTERDOWN|MOVED|ASK|CROSSSLOT|TRYAGAIN) /, words: CLUSTER, mends: "person" },

  // Not now.
  { sign: /^LOADING /, words: "it has just started", mends: "itself" },
  { sign: /^BUSYGROUP /, words: "another worker has just made it", mends: "itself" },
  { sign: /^NOGROUP /, words: "it is made anew with the next read", mends: "itself" },
  {
    sign: /^BUSY /,
    words: "somebody's script holds everything up: SCRIPT KILL, or SHUTDOWN NOSAVE if it has written",
    mends: "person",
  },

  // No writes.
  { sign: /^OOM /, words: `${NO_WRITES}: free memory, or raise maxmemory`, mends: "person" },
  { sign: /^MISCONF /, words: `${NO_WRITES}: look at the disk and at Redis's log`, mends: "person" },
  { sign: /^NOREPLICAS /, words: `${NO_WRITES}: bring the replicas back (min-replicas-to-write)`, mends: "person" },

  // We may not.
  { sign: /^NOAUTH /, words: "put user and password into REDIS_URL", mends: "person" },
  { sign: /^(WRONGPASS |ERR invalid password)/, words: "mend user and password in REDIS_URL", mends: "person" },
  { sign: /^NOPERM /, words: "give its user the rights in redis/users.acl", mends: "person" },
  { sign: /^DENIED /, words: "give Redis a password, or let it listen on loopback only", mends: "person" },
  { sign: /^ERR max number of clients/, words: "find out who holds them, or raise maxclients", mends: "person" },

  // Not what we left there.
  { sign: /^WRONGTYPE /, words: "somebody else's key has this name: remove it", mends: "person" },
  { sign: /^DATALOST /, words: null, mends: "person" },

  { sign: /(?:)/, words: null, mends: "person" },
];

/** What an error means: its own words and the table's, without what could be secret. */
export function explain(error: unknown): { readonly words: string; readonly needsPerson: boolean } {
  const text = messageOf(error);
  const row = REDIS_ERRORS.find(({ sign }) => sign.test(text));
  const words = row === undefined || row.words === null ? text : `${text.replace(/\.$/, "")}: ${row.words}`;
  return { words, needsPerson: row?.mends !== "itself" };
}

/** An error in one line, its code included. ioredis puts neither URL nor password in its messages. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return messageOf(error.errors[0]);
  if (error.message.startsWith("NOPERM")) return `${error.message} (${commandOf(error)})`;
  const code = "code" in error && typeof error.code === "string" ? error.code : null;
  if (error.message === "") return code ?? error.name;
  return code === null || error.message.includes(code) ? error.message : `${error.message} (${code})`;
}

/** The command that was refused, by its name only: its arguments may hold a secret. */
function commandOf(error: Error): string {
  const { command } = error as { readonly command?: { readonly name?: string } };
  return command?.name?.toUpperCase() ?? "unknown command";
}
