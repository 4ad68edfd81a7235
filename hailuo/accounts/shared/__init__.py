"""Pool that several processes and machines share, kept in Redis (machines.md).

Each file of script/ is a part of one Lua script, whose operations run one at a time
inside Redis: everything that processes must agree on is decided there. The rest is:

    client.py       calls Redis; turns its failures into PoolUnavailable
    leases.py       SharedLeases: leases an account, or queues for one
    keeper.py       renews this process's leases, and wakes its waiters
    replica.py      this process's copy of tokens and the state of credentials
    journal.py      SharedJournal: tells other processes about refusals and answers
    credentials.py  SharedCredentialStore: tokens, changed by compare-and-set

Only this package imports redis-py, and only `create_app` imports this package.
"""
