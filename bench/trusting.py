"""The gateway's application, which trusts the simulator's certificate.

It is named `trusting` on the path of gunicorn, and not `bench.trusting`, since an
earlier commit has a `bench` of its own.
Environment: BENCH_AUTHORITIES.
"""

import os

import certifi

certifi.where = lambda: os.environ["BENCH_AUTHORITIES"]

from wsgi import app as app  # noqa: E402 - requests asks certifi when it is imported
