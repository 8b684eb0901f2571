/** A price path as a chart of characters, with levels and numbered marks in it. For display only: prices are floats here. */

import asciichart from "asciichart";

/** What is drawn. */
export interface ChartView {
  /** At least one price, in the order of time. */
  readonly prices: readonly number[];
  /** A level for each price; null: there is none then. */
  readonly stops: readonly (number | null)[];
  readonly entry: number;
  /** `at`: which of the prices it belongs to. */
  readonly marks: readonly { readonly at: number; readonly price: number; readonly sign: string }[];
  /** Characters that a line may have. */
  readonly width: number;
  /** Places behind the point of the finest price; labels have more where rows are nearer to each other. */
  readonly places: number;
}

const HEIGHT = 14;

/** Columns for one price at most. */
const STRETCH_MAX = 4;

/** A chart that is narrower shows nothing. */
const PLOT_WIDTH_MIN = 20;

const SIGNS = { entry: "┄", stop: "·" } as const;

const COLOURS = { label: "\u001b[90m", entry: "\u001b[36m", stop: "\u001b[31m", mark: "\u001b[1;33m" } as const;

type Cell = { readonly char: string; readonly as: keyof typeof COLOURS | null };

/** The chart, a line for each row of it. */
export function renderChart(view: ChartView, colour: boolean): readonly string[] {
  const levels = view.stops.filter((stop) => stop !== null);
  const all = [...view.prices, ...levels, view.entry, ...view.marks.map(({ price }) => price)];
  const [min, max] = [
    all.reduce((one, other) => Math.min(one, other)),
    all.reduce((one, other) => Math.max(one, other)),
  ];
  // asciichart rounds each price by itself: counted from a row below the lowest, rows and labels agree.
  const unit = max > min ? (max - min) / HEIGHT : 1;
  const base = min - unit;
  const label = labelsFor(max > min ? unit : UNIT_COARSE, view.places);
  const labelWidth = Math.max(LABEL_WIDTH_MIN, label(min).length, label(max).length);
  // Between label and prices there are a blank and the axis.
  const columns = Math.max(PLOT_WIDTH_MIN, view.width - labelWidth - 2);
  const { length } = view.prices;
  // A short path is stretched, so that its marks have room.
  const shown = Math.min(columns, length * STRETCH_MAX);
  const columnOf = (at: number): number => Math.floor((at * shown) / length);
  // Each column shows the last of the prices that fall into it.
  const series: number[] = [];
  const stops: (number | null)[] = [];
  view.prices.forEach((price, i) => {
    for (let column = columnOf(i); column <= Math.max(columnOf(i), columnOf(i + 1) - 1); column++) {
      series[column] = price;
      stops[column] = view.stops[i] ?? null;
    }
  });
  const format = (height: number): string => label(height + base).padStart(labelWidth);
  // A line joins two points: a single one is shown as level.
  const points = (series.length > 1 ? series : [...series, ...series]).map((price) => price - base);
  const range = { min: unit, max: max - base, height: HEIGHT };
  const grid = gridOf(asciichart.plot(points, { ...range, offset: OFFSET, format }), labelWidth);
  const rowOf = (price: number): number => grid.length - Math.round((price - base) / unit);
  const put = (column: number, price: number, char: string, as: Cell["as"], over: boolean): void => {
    const row = grid[rowOf(price)];
    // The first point is on the axis.
    const at = labelWidth + 1 + column;
    if (row === undefined || (!over && (row[at]?.char ?? " ") !== " ")) return;
    for (let blank = row.length; blank < at; blank++) row.push({ char: " ", as: null });
    row[at] = { char, as };
  };
  stops.forEach((stop, column) => {
    if (stop !== null) put(column, stop, SIGNS.stop, "stop", false);
  });
  for (let column = 0; column < points.length; column++) put(column, view.entry, SIGNS.entry, "entry", false);
  for (const { at, price, sign } of view.marks) put(columnOf(at), price, sign, "mark", true);
  return grid.map((row) =>
    row
      .map((cell) => painted(cell, colour))
      .join("")
      .trimEnd(),
  );
}

/** asciichart counts the label, a blank and the axis as one each; a label that is shorter than this it would put elsewhere. */
const OFFSET = 3;
const LABEL_WIDTH_MIN = OFFSET;

/** From this distance on rows differ without places behind the point. */
const UNIT_COARSE = 10;

/** Price labels that differ from row to row. */
function labelsFor(unit: number, places: number): (price: number) => string {
  const needed = unit < UNIT_COARSE ? 1 - Math.floor(Math.log10(unit)) : 0;
  const shown = Math.min(15, Math.max(places, needed));
  return (price) => price.toFixed(shown).replace(/^\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ","));
}

/** What the signs mean, for below the chart. */
export const CHART_LEGEND: string = `${SIGNS.entry} entry   ${SIGNS.stop} stop   numbers: the decisions above`;

function gridOf(text: string, labelWidth: number): Cell[][] {
  return text
    .split("\n")
    .map((line) => Array.from(line, (char, i): Cell => ({ char, as: i < labelWidth ? "label" : null })));
}

function painted({ char, as }: Cell, colour: boolean): string {
  return !colour || as === null || char === " " ? char : `${COLOURS[as]}${char}\u001b[0m`;
}
