import Table from "cli-table3";

/** A table with a heading; plain where colours are not wanted. */
export function newTable(head: readonly string[], colour: boolean): Table.Table {
  return new Table({
    head: [...head],
    style: colour ? { head: ["bold"], border: ["grey"] } : { head: [], border: [] },
  });
}
