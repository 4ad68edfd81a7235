"""Third-party clients and test suites, outside `make test`: installing them needs the
internet.

In an environment of their own, since they bring many libraries and warnings:

    python3 -m venv .venv/third_party
    .venv/third_party/bin/pip install -e '.[test]' -r tests/third_party/requirements.txt
    npm install --prefix .venv/third_party openai
    .venv/third_party/bin/python -m pytest -c tests/third_party/pytest.ini tests/third_party
"""
