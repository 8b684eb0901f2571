/** Mutation testing of the core: breaks it in every small way, one at a time, and counts what its tests notice. */

export default {
  // practice.ts decides nothing: all that a pass of it leaves behind is a runtime that has seen the code.
  mutate: ["src/core/**/*.ts", "!src/core/practice.ts"],
  testRunner: "command",
  commandRunner: { command: "sh test/mutation/run-tests.sh" },
  concurrency: 2,
  // A run takes about a second. A mutant that takes longer than this loops, and counts as noticed.
  timeoutMS: 10_000,
  thresholds: { high: 95, low: 90, break: 90 },
  // What the sandbox is given: the core and its tests, and how a memory is written down: a restart goes through that.
  ignorePatterns: [
    "**",
    "!src/core/**",
    "!src/adapters/exits/record.ts",
    "!src/adapters/decimal-shape.ts",
    "!test/core/**",
    "!test/support/**",
    "!test/mutation/run-tests.sh",
    "!package.json",
    "test/core/practice.test.ts",
    // A thousand lives take ten seconds: nearly every mutant would be noticed for its slowness.
    "test/core/exit-restart.test.ts",
  ],
  tempDirName: "build/.cache/mutation/sandbox",
  reporters: ["progress-append-only", "clear-text", "json"],
  clearTextReporter: { allowColor: false, logTests: false },
  jsonReporter: { fileName: "build/.cache/mutation/report.json" },
};
