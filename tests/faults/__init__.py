"""What goes wrong around a call: kills, time-outs, full disks, locks, two agents at once."""
