/** The part of asciichart that is used; the package has no types of its own. */
declare module "asciichart" {
  interface PlotOptions {
    readonly min: number;
    readonly max: number;
    readonly height: number;
    readonly offset: number;
    readonly format: (value: number) => string;
  }
  const asciichart: { plot(series: readonly number[], options: PlotOptions): string };
  export default asciichart;
}
