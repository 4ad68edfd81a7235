"""Third-party clients and test suites, outside `make test`.

`make others` runs them in an environment of their own, since they bring many
libraries and warnings; installing them needs the internet.
"""
