"""Two threads import two libraries at the same moment, and use them at once."""

import threading

together = threading.Barrier(2)
results = {}


def database():
    together.wait()
    from sqlalchemy import create_engine, text

    with create_engine("sqlite://").connect() as connection:
        results["database"] = connection.execute(text("SELECT 42")).scalar()


def page():
    together.wait()
    from flask import Flask

    results["page"] = Flask("shop").test_client().get("/").status_code


threads = [threading.Thread(target=target) for target in (database, page)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sorted(results.items()))
