// xstate replays a log: `node xstate.cjs MACHINE LOG ROWS`, see xstate.py.
//
// Guards are Python functions and cannot be called from here. What they answered is in ROWS: for
// each event the number of the row that the table takes, so that the machine walks the same way.

"use strict";

const fs = require("node:fs");
const { createActor, createMachine } = require("xstate");

const [machineFile, logFile, rowsFile] = process.argv.slice(2);
const table = JSON.parse(fs.readFileSync(machineFile, "utf8"));
const rows = JSON.parse(fs.readFileSync(rowsFile, "utf8"));
const states = {};
for (const [state, events] of Object.entries(table.states)) {
  const on = {};
  for (const [event, targets] of Object.entries(events)) {
    on[event] = targets.map((target, number) => ({
      target,
      reenter: true,
      guard: ({ event: given }) => given.row === number,
    }));
  }
  states[state] = { on };
}
const machine = createMachine({ id: "procedure", initial: table.initial, states });

function replay(lines) {
  let accepted = 0;
  lines.forEach((line, call) => {
    const actor = createActor(machine);
    actor.start();
    const { events } = JSON.parse(line);
    let fits = true;
    for (let at = 0; at < events.length && fits; at += 1) {
      const event = { type: events[at].event, row: rows[call][at] };
      fits = actor.getSnapshot().can(event);
      if (fits) actor.send(event);
    }
    actor.stop();
    accepted += fits;
  });
  return accepted;
}

const lines = fs.readFileSync(logFile, "utf8").trimEnd().split("\n");
replay(lines.slice(0, Math.ceil(lines.length / 5))); // warms up
const before = process.cpuUsage();
const started = process.hrtime.bigint();
const accepted = replay(lines);
const wall = Number(process.hrtime.bigint() - started) / 1e9;
const used = process.cpuUsage(before);
console.log(JSON.stringify({ accepted, seconds: wall, cpu: (used.user + used.system) / 1e6 }));
