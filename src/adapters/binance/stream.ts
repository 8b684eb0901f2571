/**
 * Binance's mark-price stream and the account's stream, behind the port.
 *
 * Every mark comes over one connection, `!markPrice@arr@1s`, and those that nobody wants are dropped unread: a position that
 * opens needs no subscription that could fail or be refused.
 */

import type { SecureContext } from "node:tls";
import { ACCOUNT_STREAM_LIMITS, lateness, MARK_STREAM_LIMITS, type StreamLimits } from "../../core/stream-health.ts";
import type { UnixMillis } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { StreamName, StreamWants, VenueStream } from "../../ports/venue-stream.ts";
import { trustIn } from "../host/trust.ts";
import { openWebSocket, type WebSocketLine } from "../http/web-socket.ts";
import { type Attempt, type AttemptVoice, keepStream } from "./kept-stream.ts";
import type { ListenKeys } from "./listen-key.ts";
import { readAccountNotice, readStreamedMarks } from "./wire-stream.ts";

/** The largest message is all marks, about 180 bytes for each of some hundreds of contracts. */
const MESSAGE_BYTES_MAX = 2 * 1024 * 1024;

const MARKS_PATH = "/market/ws/!markPrice@arr@1s";
const ACCOUNT_PATH = "/private/ws/";

/** How to reach the streams of one account. */
export interface BinanceStreamOptions {
  /** Scheme, host and port: `streamUrlFor`, or a simulated exchange. */
  readonly streamUrl: string;
  /** Where the key of the account's stream comes from: `BinanceExchange.listenKeys`. */
  readonly keys: ListenKeys;
  /** PEM certificates to trust besides the public ones. Certificates are verified in any case. */
  readonly caPem?: string | undefined;
  readonly clock: Clock;
  /** Other limits than the usual ones, for tests. */
  readonly limits?: Partial<Readonly<Record<StreamName, StreamLimits>>> | undefined;
}

/** Prepares the streams; connects when they are run. */
export function binanceStream({ streamUrl, keys, caPem, clock, limits }: BinanceStreamOptions): VenueStream {
  // Made once: the public roots take longer to parse than a handshake does.
  const trust = trustIn(caPem ?? null);
  return {
    async run({ wants, emit }, signal) {
      const keep = (
        which: StreamName,
        streamLimits: StreamLimits,
        open: (voice: AttemptVoice) => Attempt,
      ): Promise<void> =>
        keepStream(
          {
            clock,
            limits: limits?.[which] ?? streamLimits,
            open,
            onFlowing: () => emit({ kind: "flowing", which }),
            onQuiet: (why) => emit({ kind: "quiet", which, why: `${WORDS[which]}: ${why}` }),
          },
          signal,
        );
      const { lateMs } = limits?.marks ?? MARK_STREAM_LIMITS;
      const isLate = (): IsLate => latenessOf(clock, lateMs);
      await Promise.all([
        keep("marks", MARK_STREAM_LIMITS, (voice) => openMarks(streamUrl, trust, wants, emit, isLate(), voice)),
        keep("account", ACCOUNT_STREAM_LIMITS, (voice) => openAccount(streamUrl, trust, keys, emit, voice)),
      ]);
    },
  };
}

const WORDS: Readonly<Record<StreamName, string>> = {
  marks: "The stream of marks",
  account: "The stream of the account",
};

/** Why what is of this time has come too late, or null. */
type IsLate = (at: UnixMillis | null) => string | null;

/** For one connection. */
function latenessOf(clock: Clock, lateMsMax: number): IsLate {
  let soonest: number | null = null;
  return (at) => {
    if (at === null) return null;
    const found = lateness(soonest, at, clock.now());
    soonest = found.soonest;
    return found.lateMs > lateMsMax ? `what it tells is ${(found.lateMs / 1_000).toFixed(1)} s old` : null;
  };
}

function openMarks(
  streamUrl: string,
  trust: SecureContext,
  wants: StreamWants["wants"],
  emit: StreamWants["emit"],
  isLate: IsLate,
  voice: AttemptVoice,
): Attempt {
  const line = openWebSocket({
    url: streamUrl + MARKS_PATH,
    trust,
    messageBytesMax: MESSAGE_BYTES_MAX,
    onOpen: voice.opened,
    onText: (text) => {
      const told = parsed(text, voice, (message) => readStreamedMarks(message, wants));
      if (told === null || !voice.heard() || told.marks.length === 0) return;
      const late = isLate(told.at);
      if (late === null) emit({ kind: "marks", marks: told.marks });
      else voice.lost(late);
    },
    onPong: () => voice.heard(),
    onLost: (why) => voice.lost(why),
  });
  return { ping: line.ping, renew: () => undefined, cut: line.cut, closed: line.closed };
}

function openAccount(
  streamUrl: string,
  trust: SecureContext,
  keys: ListenKeys,
  emit: StreamWants["emit"],
  voice: AttemptVoice,
): Attempt {
  let line: WebSocketLine | null = null;
  let listenKey: string | null = null;
  let isCut = false;
  const connect = (key: string): WebSocketLine =>
    openWebSocket({
      url: streamUrl + ACCOUNT_PATH + encodeURIComponent(key),
      trust,
      messageBytesMax: MESSAGE_BYTES_MAX,
      onOpen: () => {
        voice.opened();
        // What happened before is in no message.
        if (!isCut) emit({ kind: "account_changed" });
      },
      onText: (text) => {
        const notice = parsed(text, voice, readAccountNotice);
        if (notice === null || !voice.heard()) return;
        if (notice === "key_expired") voice.lost("its key has expired");
        if (notice === "changed") emit({ kind: "account_changed" });
      },
      onPong: () => voice.heard(),
      onLost: (why) => voice.lost(why.replaceAll(key, "…").replaceAll(encodeURIComponent(key), "…")),
    });
  const closed = keys.obtain().then(async (key) => {
    if (isCut) return;
    if (!key.known) return voice.lost(key.why);
    listenKey = key.value;
    line = connect(listenKey);
    await line.closed;
  });
  return {
    ping: () => line?.ping(),
    renew: () => {
      if (listenKey === null) return;
      void keys.renew(listenKey).then((outcome) => {
        if (outcome.kind === "gone") voice.lost(outcome.why);
        else if (outcome.kind === "renewed") voice.renewed();
        else voice.renewalFailed();
      });
    },
    cut: () => {
      isCut = true;
      line?.cut();
    },
    closed,
  };
}

/** The message, read; null where it can't be: a stream that speaks another language than ours is of no use. */
function parsed<T>(text: string, voice: AttemptVoice, read: (text: string) => T): T | null {
  try {
    return read(text);
  } catch {
    voice.lost("it sent something that can't be read");
    return null;
  }
}
