/** Bugs that the simulation must catch: each is one place in what ships, and the text that takes its place in a test build. */

/** A planted bug. */
export interface Plant {
  /** What goes wrong, in the field's words; also its name on the command line. */
  readonly name: string;
  /** From the repository's root. */
  readonly file: string;
  /** Exactly once in the file. */
  readonly from: string;
  readonly to: string;
  /** What it would do to somebody with money at stake. */
  readonly danger: string;
}

/** All of them, by who has them: the watchdog, the worker's second line, the worker, the bus, the brain, its exit policy. */
export const PLANTED: readonly Plant[] = [
  {
    name: "publish-done-before-confirmed",
    file: "src/core/watchdog-incident.ts",
    from: `    case "publish_unconfirmed": {
      if (!same(event.attempt, state.attempt)) return [state, []];`,
    to: `    case "publish_unconfirmed": {
      const done = { ...state.attempt, eventId: state.attempt.incidentId, haltSeen: false, outcome: null };
      return [{ ...done, kind: "tripped", attempt: state.attempt, reason: null, followUpAt: after(now, 3_600_000) }, []];`,
    danger: "a panic that Redis never got is taken for raised, and nobody raises it again",
  },
  {
    name: "publish-not-repeated",
    file: "src/core/watchdog-incident.ts",
    from: "const retrying: Tripping = { ...state, retryAt: after(now, limits.publishRetryMs) };",
    to: "const retrying: Tripping = { ...state, retryAt: null };",
    danger: "one lost answer of Redis, and the panic is never raised",
  },
  {
    name: "follow-up-given-up-after-the-first",
    file: "src/core/watchdog-incident.ts",
    from: "return Math.min(limits.followUpMaxMs, limits.followUpMs * 2 ** (number - 1));",
    to: "return number > 1 ? 3_600_000 : limits.followUpMs;",
    danger: "what two passes could not close stays open for ever",
  },
  {
    name: "never-followed-up",
    file: "src/core/watchdog-incident.ts",
    from: "return Math.min(limits.followUpMaxMs, limits.followUpMs * 2 ** (number - 1));",
    to: "return 3_600_000 * number;",
    danger: "what one pass could not close stays open for ever",
  },
  {
    name: "reset-not-noticed",
    file: "src/core/watchdog-incident.ts",
    from: "if (standing.outcomes.has(eventId)) return reset(standing, now);",
    to: `if (standing.outcomes.has(eventId)) return [{ kind: "halted", attempt: { incidentId: eventId, number: 1 }, eventId }, []];`,
    danger: "after a reset nobody watches the brain",
  },
  {
    name: "direct-line-never-called",
    file: "src/core/watchdog-incident.ts",
    from: `if (directLine.kind !== "free" || (directLine.from !== null && now < directLine.from)) return [state, []];`,
    to: "if (now >= 0) return [state, []];",
    danger: "while Redis is away no panic reaches the worker",
  },
  {
    name: "direct-answer-not-followed-up",
    file: "src/core/watchdog-incident.ts",
    from: `return [{ ...state, directLine: { kind: "ended", outcome, followUpAt } }, [line]];`,
    to: `return [{ ...state, directLine: { kind: "ended", outcome, followUpAt: null } }, [line]];`,
    danger: "without Redis what a pass left open stays open",
  },
  {
    name: "heartbeat-limit-of-900-ms",
    file: "src/core/watchdog-state.ts",
    from: "heartbeatMissingMs: 5_000,",
    to: "heartbeatMissingMs: 900,",
    danger: "everything is closed over a brain that lives",
  },
  {
    name: "heartbeat-limit-of-8-s",
    file: "src/core/watchdog-state.ts",
    from: "heartbeatMissingMs: 5_000,",
    to: "heartbeatMissingMs: 8_000,",
    danger: "a death is noticed three seconds late",
  },
  {
    name: "superseded-instance-counts",
    file: "src/core/brain-watch.ts",
    from: "return [{ ...brain, instances: [...heard, current], rivalAt: arrivedAt }, false];",
    to: "return [{ ...brain, ...said(beat, arrivedAt, brain), instances: [...heard, current] }, true];",
    danger:
      "the heartbeats of a brain that was replaced hide that its successor is dead, and two at work are not noticed",
  },
  {
    name: "age-from-the-senders-clock",
    file: "src/roles/watchdog.ts",
    from: "(watch) => watched(watch, clock.now()));",
    to: `(watch) =>
      watched(watch, clock.now()).map((e) =>
        e.kind === "beat" ? { ...e, arrivedAt: after(e.arrivedAt, e.beat.heartbeat.ts - clock.wall()) } : e,
      ),
    );`,
    danger: "a clock that is stepped closes everything, or hides a death",
  },
  {
    name: "heartbeats-around-a-reset-dropped",
    file: "src/core/watchdog.ts",
    from: `if (next.kind !== "waiting" || !isIncident(state) || heard === null) return [next, actions];`,
    to: "if (next !== null) return [next, actions];",
    danger: "a watchdog that was cut off over a reset waits for ever for a brain that has died since (seed 38)",
  },
  {
    name: "raised-once-in-a-life",
    file: "src/core/second-line.ts",
    from: "return raised?.incidentId === incidentId && now - raised.at < raiseAgainMs;",
    to: "return raised?.incidentId === incidentId && raiseAgainMs > 0;",
    danger: "what the worker raised and Redis lost is never executed (seed 193)",
  },
  {
    name: "worker-bears-a-lost-redis",
    file: "src/core/second-line.ts",
    from: `return raise(next, next.brain.incidentId, "redis_lost", awayMs, limits.redisLostMs, now);`,
    to: "return [next, null];",
    danger: "Redis and the brain die together, and nobody closes",
  },
  {
    name: "worker-bears-a-lost-watchdog",
    file: "src/core/second-line.ts",
    from: `return raise(next, next.brain.incidentId, "watchdog_lost", unwatchedMs, limits.watchdogLostMs, now);`,
    to: "return [next, null];",
    danger: "watchdog and brain die together, and nobody closes",
  },
  {
    name: "violation-never-raised",
    file: "src/core/second-line.ts",
    from: "const isViolated = flat !== null && flat.openAt !== null && open?.takenAt !== flat.openAt;",
    to: "const isViolated = false;",
    danger: "what a bot opens under a halt stays open, unguarded",
  },
  {
    name: "second-line-trips-over-a-live-brain",
    file: "src/core/second-line.ts",
    from: "if (silentMs <= limits.brainSilentMs || unwatchedMs <= limits.watchdogLostMs) return [next, null];",
    to: "if (unwatchedMs <= limits.watchdogLostMs) return [next, null];",
    danger: "a dead watchdog alone closes everything",
  },
  {
    name: "completed-event-executed-again",
    file: "src/core/authorization.ts",
    from: `if (completed) return refuse("its event_id has a completion already");`,
    to: "",
    danger: "after a restart an old panic closes what was opened since the reset",
  },
  {
    name: "direct-panic-executed-again",
    file: "src/roles/eew-ears.ts",
    from: "if (ending === null) return delivery;",
    to: "if (ending !== undefined) return delivery;",
    danger: "an old panic, said again, closes what was opened since the reset",
  },
  {
    name: "earlier-life-goes-on-whatever-came-since",
    file: "src/roles/eew-ears.ts",
    from: "if (!outcome.known || outcome.value === null) return ownDelivery(own);",
    to: "if (outcome !== null) return ownDelivery(own);",
    danger: "a worker that starts again moves the halt back to an older incident (seed 5075)",
  },
  {
    name: "journal-forgets-former-lives",
    file: "src/adapters/host/journal-memory.ts",
    from: "      this.append(record);\n",
    to: "",
    danger: "after a restart the worker knows of no halt, and puts none back",
  },
  {
    name: "halt-not-put-back",
    file: "src/roles/eew-halt.ts",
    from: "return await putBack(past);",
    to: "return null;",
    danger: "FLUSHALL ends a halt, and the bot trades again",
  },
  {
    name: "halt-after-closing",
    file: "src/core/eew.ts",
    from: "if (!state.halted || survey === null || state.retryAt !== null) return [state, lines];",
    to: "if (survey === null || state.retryAt !== null) return [state, lines];",
    danger: "the bot opens again what is being closed",
  },
  {
    name: "failed-read-taken-as-empty",
    file: "src/roles/eew.ts",
    from: `exchange.restingOrders();
  const positions = await exchange.positions();`,
    to: `exchange.restingOrders();
  const read = await exchange.positions();
  const positions = read.known ? read : { known: true as const, value: [] };`,
    danger: "a venue that does not answer looks like an account that is flat",
  },
  {
    name: "completion-before-verify",
    file: "src/core/eew.ts",
    from: `  const nothing = unknown("not read yet");`,
    to: `  const empty = { positions: { known: true, value: [] }, resting: { known: true, value: [] } } as const;
  if (state.found.length > 0)
    return report(state, "FLAT", tally("FLAT", state.found, empty, state.sent), state.ordersCancelled, now, actions);
  const nothing = unknown("not read yet");`,
    danger: "a report says FLAT because orders were sent",
  },
  {
    name: "flat-without-looking",
    file: "src/core/flat.ts",
    from: `if (!positions.known) return { kind: "unreadable", why: positions.why };`,
    to: `if (!positions.known) return { kind: "flat" };`,
    danger: "a list that can't be read after the close is taken for an empty one",
  },
  {
    name: "one-witness-is-enough",
    file: "src/core/flat.ts",
    from: `  return { kind: "clean" };`,
    to: `  return { kind: "flat" };`,
    danger: "one list that lags behind ends the incident",
  },
  {
    name: "resting-orders-ignored",
    file: "src/core/flat.ts",
    from: `if (resting.value.length > 0) return { kind: "open", hope: true };`,
    to: "",
    danger: "an entry that still rests opens a leg after the report said FLAT",
  },
  {
    name: "side-flipped",
    file: "src/core/flatten-plan.ts",
    from: `side: amount.gt("0") ? "SELL" : "BUY",`,
    to: `side: amount.gt("0") ? "BUY" : "SELL",`,
    danger: "every close is refused",
  },
  {
    name: "orders-not-reduce-only",
    file: "src/sim/exchange.ts",
    from: `reduceOnly: order.mode === "one_way" ? true : null,`,
    to: "reduceOnly: false,",
    danger: "two workers, or a stale list, turn the leg (mirrors adapters/binance/exchange.ts orderParams())",
  },
  {
    name: "twice-the-size-not-reduce-only",
    file: "src/sim/exchange.ts",
    from: `          reduceOnly: order.mode === "one_way" ? true : null,`,
    to: `          quantity: order.quantity.times("2"),
          reduceOnly: false,`,
    danger: "the exit turns every leg (mirrors adapters/binance/exchange.ts orderParams())",
  },
  {
    name: "order-sent-again-on-timeout",
    file: "src/roles/eew.ts",
    from: "void exchange.close(action.order).then((outcome) => {",
    to: `void exchange.close(action.order).then((first) => first.kind === "unknown" ? exchange.close(action.order) : first).then((outcome) => {`,
    danger: "an order whose answer was lost is executed twice",
  },
  {
    name: "sent-again-under-a-new-order-id",
    file: "src/roles/eew.ts",
    from: "void exchange.close(action.order).then((outcome) => {",
    to: `const again = { ...action.order, clientOrderId: \`\${action.order.clientOrderId}R\` };
      void exchange.close(action.order).then((first) => first.kind === "unknown" ? exchange.close(again) : first).then((outcome) => {`,
    danger: "an order whose answer was lost is executed twice, and the venue can't tell",
  },
  {
    name: "acknowledged-before-the-report",
    file: "src/roles/eew.ts",
    from: `if (action.kind === "write_halt") begin(action.delivery);`,
    to: `if (action.kind === "write_halt") {
        begin(action.delivery);
        if (!isOwn(action.delivery)) void world.bus.acknowledge(action.delivery);
      }`,
    danger: "a worker that dies in a pass takes the panic with it",
  },
  {
    name: "report-not-repeated",
    file: "src/core/eew.ts",
    from: "retryAt: after(now, limits.reportAgainMs), toldAt",
    to: "retryAt: null, toldAt",
    danger: "the exit is never on record, and the halt may be missing",
  },
  {
    name: "direct-line-says-flat-before-the-pass-has-ended",
    file: "src/adapters/direct/line.ts",
    from: "const call = newCall();\n      calls.set",
    to: `const call = newCall();
      call.end({ outcome: "FLAT", open: [] });
      calls.set`,
    danger: "without Redis nobody follows up what a pass leaves open",
  },
  {
    name: "each-publish-a-new-event",
    file: "src/adapters/redis/event-id.ts",
    from: "{ eventId: eventIdOf(attempt), reason,",
    to: "{ eventId: eventIdFor(attempt.incidentId + attempt.number + ts), reason,",
    danger: "one death is executed as often as somebody raises it, also after the reset",
  },
  {
    name: "group-created-at-the-end",
    file: "src/sim/bus.ts",
    from: "await this.#change(() => this.#panics.some(({ id }) => !this.#read.has(id)));",
    to: `const group = () => {
            if (!this.#read.has("$")) for (const id of ["$", ...this.#panics.map((entry) => entry.id)]) this.#read.add(id);
          };
          group();
          await this.#change(() => this.#panics.some(({ id }) => !this.#read.has(id)));
          group();`,
    danger:
      "a panic from before the group's creation is missed (mirrors XGROUP CREATE with $ in adapters/redis/eew-bus.ts)",
  },
  {
    name: "pending-never-reclaimed",
    file: "src/sim/bus.ts",
    from: "if (claim === undefined) return false;",
    to: "if (claim !== null) return false;",
    danger: "a panic that a dead worker had begun is nobody's (mirrors adapters/redis/claims.ts)",
  },
  {
    name: "report-overwrites-a-report",
    file: "src/sim/bus.ts",
    from: "if (this.#outcome(completion.eventId) === null) {",
    to: "if (completion.eventId !== null) {",
    danger: "one exit is on record twice (mirrors REPORT in adapters/redis/eew-bus.ts)",
  },
  {
    name: "brain-does-not-fence",
    file: "src/core/brain.ts",
    from: `const fenced = fence.kind === "fenced";`,
    to: "const fenced = false;",
    danger: "a brain that is given up for dead still sends orders",
  },
  {
    name: "exit-in-doubt-taken-for-failed",
    file: "src/core/exit-book.ts",
    from: "const isProof = outcome.absent === true && waitedMs >= limits.absentIsProofMs;",
    to: `const isProof = outcome.kind === "unknown";`,
    danger: "an exit whose answer was lost is sent again, and the leg is closed by twice as much",
  },
  {
    name: "ladder-forgotten-on-restart",
    file: "src/core/exit-leg.ts",
    from: "    ...record,\n    earlier: recalled",
    to: "    ...record,\n    memory: { ...record.memory, steps: {} },\n    earlier: recalled",
    danger: "each restart takes the profit of a step again, until nothing is left to run",
  },
  {
    name: "ladder-taken-before-the-past-is-known",
    file: "src/core/exit-book.ts",
    from: `return !isPaused && (step === null || leg.recall.kind === "settled");`,
    to: "return !isPaused;",
    danger: "a brain on another host, behind a FLUSHALL, repeats what the venue has on record",
  },
  {
    name: "turned-leg-gets-the-old-legs-order",
    file: "src/core/exit-book.ts",
    from: "if (isLate || !isOfMemory(leg, seen)) return [leg, [], false];",
    to: "if (isLate) return [leg, [], false];",
    danger:
      "an order for the other side; in one-way mode only the venue's reduce-only check stands between it and an entry",
  },
  {
    name: "policy-acts-in-shadow",
    file: "src/core/exits.ts",
    from: `return exits.standing.isLive ? "act" : "tell";`,
    to: `return "act";`,
    danger: "a policy that somebody only wanted to see at work closes what is open",
  },
  {
    name: "policy-acts-while-halted",
    file: "src/core/brain.ts",
    from: `return halt.value === null ? { kind: "none", askedAt } : { kind: "halted" };`,
    to: `return { kind: "none", askedAt };`,
    danger: "the brain and the worker send orders for the same leg, and a stop is left behind a report that says FLAT",
  },
  {
    name: "live-without-a-permission",
    file: "src/core/standing.ts",
    from: "(options.autoLive || (covers && !isSpent))",
    to: "(options.autoLive || !isSpent)",
    danger: "a brain that starts behind an incident acts before a person has looked at it",
  },
  {
    name: "stop-loss-not-acted-on",
    file: "src/core/exit-decision.ts",
    from: "if (memory.stop !== null && atLeastAsGood(memory.side, memory.stop.level, markPrice)) {",
    to: `if (memory.stop !== null && memory.stop.rule === "trailing" && atLeastAsGood(memory.side, memory.stop.level, markPrice)) {`,
    danger: "the leg runs on beyond its stop",
  },
  {
    name: "backstop-never-placed",
    file: "src/core/backstop.ts",
    from: `places.push({ kind: "protect", stop });`,
    to: "",
    danger: "a host that loses power leaves its legs unprotected",
  },
  {
    name: "loss-limit-taken-for-a-fifth",
    file: "src/core/portfolio.ts",
    from: "if (loss.times(HUNDRED).lt(base.times(limit)) || loss.lte(ZERO)) return null;",
    to: `if (loss.times("500").lt(base.times(limit)) || loss.lte(ZERO)) return null;`,
    danger: "an ordinary day closes everything, and halts",
  },
  {
    name: "exits-of-twice-the-size-not-reduce-only",
    file: "src/sim/exchange.ts",
    from: `          reduceOnly: order.mode === "one_way" ? true : null,`,
    to: `          quantity: order.clientOrderId.startsWith("qx-") ? order.quantity.times("2") : order.quantity,
          reduceOnly: order.clientOrderId.startsWith("qx-") ? false : order.mode === "one_way" ? true : null,`,
    danger: "a stop turns the leg that it is to close (mirrors adapters/binance/exchange.ts orderParams())",
  },
  {
    name: "exit-sent-before-it-is-written-down",
    file: "src/core/exit-book.ts",
    from: "return [kept, [...told, ...remember, ...actions]];",
    to: "return [kept, [...told, ...actions, ...remember]];",
    danger: "a life that dies in between has its order sent again by the next one",
  },
  {
    name: "trailing-stop-forgotten-on-restart",
    file: "src/core/exit-leg.ts",
    from: "    ...record,\n    earlier: recalled",
    to: "    ...record,\n    memory: { ...record.memory, stop: null, r: null, best: record.memory.entryPrice },\n    earlier: recalled",
    danger: "a profit that was locked in is given back behind a restart",
  },
  {
    name: "stop-moves-away-from-the-mark",
    file: "src/core/exit-memory.ts",
    from: "return one !== null && atLeastAsGood(side, one.level, other.level) ? one : other;",
    to: "return one !== null && one.level.eq(other.level) ? one : other;",
    danger: "a trailing stop takes the place of a tighter one",
  },
  {
    name: "backstop-left-behind",
    file: "src/core/backstop.ts",
    from: "else if (isOurs && (want !== undefined || !mayNeed(leg, stop.side))) {",
    to: "else if (isOurs && want !== undefined) {",
    danger: "the stop of a leg that is gone takes the next one by surprise",
  },
  {
    name: "backstop-does-not-follow-the-entry",
    file: "src/core/backstop.ts",
    from: "const serves = want?.side === stop.side && (!isOurs || stop.triggerPrice.eq(want.triggerPrice));",
    to: "const serves = want?.side === stop.side;",
    danger: "a leg that has grown is protected where it was opened, or not before it is liquidated",
  },
  {
    name: "loss-raised-again-and-again",
    file: "src/core/own-panic.ts",
    from: `        { kind: "confirmed", incidentId, reason, since: now, hasEnded: false },
        about(`,
    to: `        { ...panic, againAt: after(now, publishRetryMs) },
        about(`,
    danger: "one loss is published four times a second until a halt is read, and told each time",
  },
  {
    name: "loss-counted-over-a-reset",
    file: "src/core/portfolio.ts",
    from: "const goesOn = state.record.panic === panic && !state.record.halted;",
    to: "const goesOn = now >= 0;",
    danger: "what a person has seen and reset is raised again as soon as the brain may act",
  },
];

/** The one of that name. */
export function plantNamed(name: string): Plant | undefined {
  return PLANTED.find((plant) => plant.name === name);
}
