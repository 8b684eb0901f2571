/** The policy of the measurements: every rule there is, so that each decision weighs all of them. */

/** As a file says it. The stop loss is what the measured marks cross. */
export const POLICY_TEXT = `
defaults:
  stop-loss: 2 %
  take-profit:
    - at: 2R
      close: 50 %
    - at: 12 %
      close: 25 %
  break-even: { at: 3R, offset: 0.1 % }
  trailing-stop: { activation: 8 %, distance: 5 % }
  time-limit: 8h
  liquidation-distance: 1 %
portfolio:
  daily-loss: 50 %
  drawdown: 50 %
`;

/** How many legs are judged in each cycle. */
export const LEGS = 200;
