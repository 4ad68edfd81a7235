"""Benchmark of the gateway against a bare relay and other servers.

    python -m bench                       every load, medians of five rounds
    python -m bench --quick               the basic loads, one round: a minute
    python -m bench one fifty --rounds 9  loads by name
    python -m bench --list                list the loads
    python -m bench --before v1.0         compare with an earlier commit, too
    python -m bench one fifty --tls       the upstream speaks TLS

One simulator is the upstream of all targets, which take turns in one run: the client
alone (`direct`), `nginx` in between, the bare `relay`, the `gateway` as shipped, the
same with Anthropic's API (`messages`), LiteLLM where it is installed, and the gateway
of an earlier commit (`before`). Compare the ratios to the bare relay: absolute figures
depend on the machine. Every text is checked. All traffic stays on the loopback
interface.
"""
