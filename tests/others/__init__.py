"""The clients and suites of others, outside `make test`: they need the internet once.

In an environment of their own, since they bring many libraries and warnings:

    python3 -m venv .venv/others
    .venv/others/bin/pip install -e '.[test]' -r tests/others/requirements.txt
    npm install --prefix .venv/others openai
    .venv/others/bin/python -m pytest -c tests/others/pytest.ini tests/others
"""
