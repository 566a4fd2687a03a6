"""Four threads import the same library at the same moment; each use of it gives one span."""

import threading

together = threading.Barrier(4)
results = []


def work():
    together.wait()
    import sqlalchemy

    with sqlalchemy.create_engine("sqlite://").connect() as connection:
        results.append(connection.execute(sqlalchemy.text("SELECT 42")).scalar())


threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(results)
