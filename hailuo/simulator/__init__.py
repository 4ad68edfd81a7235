"""Simulator of both upstreams on a real socket.

It serves to try the gateway without an account, to test it and to measure it. It
imports nothing from the rest of the package and the rest imports nothing from it, so
that each has its own understanding of the protocols. Start it with

    python -m hailuo.simulator [--port 0] [--accounts 3] [--until-stdin-closes]

It is strict: a request that the protocol forbids is refused and reported as a
violation. Tests control it as described in `script` (instructions), `report` (what it
has recorded) and `control` (the paths under /simulator/); `faults` lists everything it
can do wrong.
"""
