/** What must have been reached over many seeds: a run in which it never happened proves nothing about it. */

/** A situation, and how it shows in the trace. */
export const SITUATIONS: readonly (readonly [name: string, sign: RegExp])[] = [
  ["a brain's death was noticed", /FAILURE DETECTED: .*[Hh]eartbeat/],
  ["a worker crashed in a pass, and another took over", /eew1 .*left by eew2|eew2 .*left by eew1/],
  ["a worker crashed in a pass, and its next life went on", /left by its former life/],
  ["two workers were in a pass at once", /is in a pass beside eew/],
  ["a close was executed, and its answer lost", /\] close .*answer lost/],
  ["a pass that was not flat was followed up", /Panic close incomplete \((NOT_FLAT|UNKNOWN)/],
  ["a panic that nobody executed was followed up", /Panic close incomplete \(no completion/],
  ["a published panic was lost and published again", /publishing it again/],
  ["a halt was put back from the journal", /its halt is put back from the journal/],
  ["a worker tripped because Redis was lost", /FAILURE DETECTED: REDIS_LOST/],
  ["a worker tripped because no watchdog was left", /FAILURE DETECTED: WATCHDOG_LOST/],
  ["a worker tripped because something opened under a halt", /FAILURE DETECTED: HALT_VIOLATED/],
  ["the direct line was used", /Heard by the direct line/],
  ["by the direct line a worker said FLAT", /By the direct line the worker says FLAT/],
  ["a watchdog stood still for longer than its limit", /wd\d .*STANDS STILL for ([6-9]|1\d)\d{3} ms/],
  ["a watchdog drained what had arrived while it stood still", /Stood still for/],
  ["the brain fenced itself", /Fenced: no heartbeat confirmed/],
  ["a person reset, and the system was armed again", /Halt cleared by a person/],
  ["a request was carried out twice", /carried out twice/],
];
