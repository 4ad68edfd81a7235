"""How fast is it, beside what it could be at best?

    python -m bench                       every load, medians of five rounds
    python -m bench --quick               the basic loads, one round: a minute
    python -m bench one fifty --rounds 9  loads by name
    python -m bench --list                what loads there are

One simulator plays the upstream for all who are compared, side by side in one run, in
alternating rounds: the client alone (`direct`), `nginx` in between, the bare `relay`
(see there), the `gateway` as it is shipped, and LiteLLM where it is installed. What is
compared are ratios to the bare relay: absolute figures are the machine's. Every text is
checked. All traffic stays on the loopback.
"""
