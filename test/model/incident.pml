/*
 * One incident, from the brain's last heartbeat to FLAT on record: who raises it, who executes it, who hears of it.
 * `npm run model` checks it with spin, and that spin would notice if a rule were broken (each BUG_...).
 *
 * The world. The brain is dead from the start. Two watchdogs missed the same heartbeat, so they derive the same event ids:
 * an event is named by its attempt. Two workers share a consumer group. Until the troubles end (`calm`, at any moment)
 * a process may die between any two steps, as often as it likes, and any answer of Redis may be lost, which makes its
 * caller say the same again. (A command that was lost itself is one that is said later.) A process that dies forgets
 * everything and starts again, or never: one watchdog and one worker live in the end. A person may clear the halt once: by
 * hand at any moment, and then what is still to be executed is; or with `quantum reset`, which waits until nothing is.
 * There is no time: a deadline may pass at any moment, a stall may be as long as it likes. So what holds here does not
 * depend on how long anything takes.
 *
 * One label or one inline is one step. Where it is in the code:
 *   PUBLISH, REPORT     the Lua scripts of these names in adapters/redis/records.ts and eew-bus.ts; HALT is IS_AHEAD there
 *   attach              adapters/redis/watchdog-bus.ts attach(), core/watchdog.ts attach()
 *   trip .. end_waiting core/watchdog-incident.ts, the states of these names; `trip` is tripping. Spin lets a process end at an end_ label
 *   follow, RESET       core/watchdog-incident.ts followHalt() with hearOutcome() and followUp(); wasHalted()
 *   take                adapters/redis/eew-bus.ts read() and deliver(), core/authorization.ts `completed`, `beforeReset`
 *   CLEAR               the Lua script RESET in adapters/redis/operator-bus.ts
 *   halting .. report   core/eew.ts surveying, closing with verifying, reporting
 *
 * Left out: a second incident, Redis losing data (only then does `tripped` go back to `trip` with the same attempt, which
 * makes S6 true again, and is a halt put back from the journal), what venue and orders do, and a write that arrives after
 * its writer gave it up.
 *
 * What must hold. Always, as assertions:
 *   S1 one completion per event       S2 acknowledged only with its completion on record
 *   S3 no completion without a halt   S4 no order before the pass wrote its halt, or failed to confirm it
 *   S5 one event per attempt          S6 tripped only with the event on the bus
 * In the end, as the formulas below, with weak fairness:
 *   L1 FLAT comes on record, or a person has reset
 *   L2 every event on the bus is completed and acknowledged
 *   L3 every watchdog comes to rest
 *   L4 the halt is that of an event that ended FLAT, so that a worker watches for what opens under it, or a person has reset
 * build/model.ts knows an assertion by its condition.
 */

#ifndef ATTEMPTS
#define ATTEMPTS 2 /* up to 3. A pass may leave something open, but not for ever: the last attempt is always FLAT */
#endif

#define NOTHING 0
#define FLAT 1
#define NOT_FLAT 2 /* or UNKNOWN */

/* An entry of the panic stream, named by its attempt. */
#define ABSENT 0
#define NEW 1
#define ACKED 2
#define PENDING 3 /* + number of the worker on whose list it is */

byte entry[4];   /* the panic stream, with quantum:published and the group's pending lists */
byte outcome[4]; /* the completed stream, with quantum:outcomes */
byte halt;       /* which attempt halted trading; 0: not halted */
bool group;      /* the consumer group exists */
byte mark;       /* quantum:reset, the newest entry when `quantum reset` cleared the halt; entries are added in their order */

bool calm;       /* the troubles are over */
bool cleared;    /* a person has cleared the halt */
bool rest[2];    /* the watchdog waits for a person or a new heartbeat, or is dead */

#define TROUBLE (!calm)

inline append(k) {
  assert(entry[k] == ABSENT); /* S5 */
  entry[k] = NEW
}

inline PUBLISH(k) {
  if
#ifdef BUG_FRESH_ID /* a follow-up with an id of its own, which nobody can have published */
  :: k > 1 -> append(k)
#endif
  :: entry[k] == ABSENT -> append(k)
  :: else
  fi
}

inline acknowledge(k) {
  assert(outcome[k] != NOTHING); /* S2 */
  entry[k] = ACKED
}

#ifdef BUG_HALT_MOVED_BACK /* by an earlier attempt that is begun or reported late */
#define HALT(k) halt = k
#else
#define HALT(k) halt = (halt > k -> halt : k)
#endif

inline REPORT(k, result) {
  if
#ifdef BUG_REPORT_TWICE /* not checked by id */
  :: true ->
#else
  :: outcome[k] != NOTHING
  :: else ->
#endif
#ifndef BUG_REPORT_NO_HALT
    HALT(k);
#endif
    assert(outcome[k] == NOTHING); /* S1 */
    assert(halt != 0);             /* S3 */
    outcome[k] = result
  fi;
  acknowledge(k)
}

/* Completed and not halted can only mean a reset. */
#define ON_RECORD (outcome[k] != NOTHING || outcome[1] != NOTHING)
#define RESET (halt == 0 && (haltSeen || ON_RECORD))
/* The halt is read before the outcomes, so it may have been read before all that they tell of. */
#define STALE (TROUBLE && ON_RECORD)

#define GO(where) haltSeen = false; rest[_pid] = true; goto where

inline follow(attempt) {
  k = attempt;
  haltSeen = true;
  rest[_pid] = false;
  if
  :: outcome[k] == FLAT -> GO(end_halted)
  :: outcome[k] == NOT_FLAT -> k++; goto trip
  :: outcome[k] == NOTHING -> goto tripped
  fi
}

#define DIES atomic { TROUBLE -> k = 0; haltSeen = false; rest[_pid] = false; goto attach }

active [2] proctype watchdog() {
  byte k;        /* the attempt it is at */
  bool haltSeen; /* only a halt that was there can be reset */
#ifdef BUG_PUBLISH_SPLIT
  bool published;
#endif

attach:
  if
  :: atomic { halt != 0 -> follow(halt) }
  :: atomic { (halt == 0 || TROUBLE) && outcome[1] != NOTHING -> GO(end_waiting) }
  :: atomic { (halt == 0 || TROUBLE) && outcome[1] == NOTHING -> k = 1; goto trip }
  :: atomic { TROUBLE && _pid == 1 -> GO(dead) }
  fi;

trip:
  do
#if defined(BUG_PUBLISH_SPLIT) /* asks whether the id was published, and publishes in another step */
  :: published = (entry[k] != ABSENT);
    atomic { if :: !published -> append(k) :: else fi; published = false; goto tripped }
#else
  :: atomic { PUBLISH(k); goto tripped }
  :: atomic { TROUBLE -> PUBLISH(k) } /* it is on the bus, and the watchdog does not know */
#endif
#ifdef BUG_PUBLISH_FORGET /* takes silence for a confirmation */
  :: atomic { TROUBLE -> goto tripped }
#endif
  :: atomic { RESET || STALE -> k = 0; GO(end_waiting) }
  :: DIES
  od;

tripped:
  do
  :: atomic { assert(entry[k] != ABSENT); /* S6 */
      if
      :: halt > k -> follow(halt) /* another watchdog took the incident further */
      :: halt != 0 && halt <= k -> follow(k)
      :: RESET || STALE -> k = 0; GO(end_waiting)
      :: halt == 0 && !haltSeen && !ON_RECORD
      :: k < ATTEMPTS -> k++; goto trip /* its completion is overdue */
      fi }
  :: DIES
  od;

end_halted:
  do
#ifdef BUG_HALT_GOES_BACK /* any halt but its own is news */
  :: atomic { halt != 0 && halt != k -> follow(halt) }
#else
  :: atomic { halt > k -> follow(halt) }
#endif
  :: atomic { halt == 0 -> k = 0; GO(end_waiting) }
  :: DIES
  od;

end_waiting:
  do
  :: atomic { halt != 0 -> follow(halt) }
  :: DIES
  od;

dead:
  skip
}

#define ME (PENDING + _pid - 2)
#ifdef BUG_NO_TAKEOVER /* what a worker left unfinished stays with it */
#define MAY_TAKE(i) (group && (entry[i] == NEW || entry[i] == ME))
#else
#define MAY_TAKE(i) (group && (entry[i] == NEW || entry[i] >= PENDING))
#endif

/* If the answer is lost, the event is pending and nobody works on it. */
inline take(i) {
  entry[i] = ME;
  if
  :: outcome[i] != NOTHING || i <= mark -> acknowledge(i) /* refused */
  :: outcome[i] == NOTHING && i > mark -> k = i; goto halting
  :: TROUBLE
  fi
}

#undef DIES
#define DIES atomic { TROUBLE -> goto done }

active [2] proctype worker() {
  byte k;
  byte result;
  bool told; /* the pass has written its halt, or failed to confirm it */

end_idle:
  do
  :: atomic { MAY_TAKE(1) -> take(1) }
  :: atomic { MAY_TAKE(2) -> take(2) }
  :: atomic { MAY_TAKE(3) -> take(3) }
  :: atomic { !group -> group = true;
#ifdef BUG_GROUP_AT_END /* created at $: what was published before is never delivered */
      for (k : 1 .. 3) { if :: entry[k] == NEW -> entry[k] = ACKED :: else fi };
      k = 0
#endif
    }
  :: atomic { TROUBLE && _pid == 3 -> goto dead }
  od;

halting:
#ifdef BUG_ACK_FIRST
  acknowledge(k);
#endif
  if
  :: atomic { HALT(k); told = true }
  :: atomic { TROUBLE -> told = true } /* not confirmed: closing matters more */
#ifdef BUG_ORDERS_FIRST
  :: true
#endif
  :: DIES
  fi;

closing: /* the orders, and what the venue says after them. A pass that lasts renews its claim. */
  if
  :: atomic { assert(told); /* S4 */
      if :: entry[k] >= PENDING -> entry[k] = ME :: else fi;
      if :: result = FLAT :: k < ATTEMPTS -> result = NOT_FLAT fi }
  :: DIES
  fi;

report:
  do
  :: atomic { REPORT(k, result); goto done }
  :: atomic { TROUBLE -> REPORT(k, result) } /* it is on record, and the worker does not know */
  :: DIES
  od;

done:
  atomic { k = 0; result = NOTHING; told = false; goto end_idle };

dead:
  skip
}

#define DONE(k) (entry[k] == ABSENT || (entry[k] == ACKED && outcome[k] != NOTHING))
#ifdef BUG_RESET_UNDONE /* clears the halt while an exit is ordered and not done */
#define MAY_CLEAR true
#else
#define MAY_CLEAR (DONE(1) && DONE(2) && DONE(3))
#endif

inline CLEAR() {
  mark = (entry[3] != ABSENT -> 3 : (entry[2] != ABSENT -> 2 : 1));
  halt = 0
}

active proctype world() {
  do
  :: atomic { halt != 0 && !cleared -> cleared = true; halt = 0 } /* DEL system:state:trading */
  :: atomic { halt != 0 && !cleared && MAY_CLEAR -> cleared = true; CLEAR() }
  :: calm = true; break
  od
}

/* Asked from the end of the troubles on: so only what follows it is searched for cycles. */
ltl L1 { [] (calm -> <> (outcome[1] == FLAT || outcome[2] == FLAT || outcome[3] == FLAT || cleared)) }
ltl L2 { [] (calm -> <> [] (DONE(1) && DONE(2) && DONE(3))) }
ltl L3 { [] (calm -> <> [] (rest[0] && rest[1])) }
ltl L4 { [] (calm -> <> (halt == 0 || outcome[halt] == FLAT || cleared)) }
