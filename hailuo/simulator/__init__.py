"""Hailuo's services, played on a real socket.

For trying the gateway without an account, for its tests and for its bench. It imports
nothing of the rest of the package and the rest imports nothing of it, so that both have
their own understanding of the protocol. Start it with

    python -m hailuo.simulator [--port 0] [--accounts 3] [--until-stdin-closes]

It is strict: what the protocol forbids is refused and noted as a violation. What tests
may ask of it is described in `script` (instructions), `report` (what it saw) and
`control` (the paths under /simulator/).
"""
