"""sqlite3: statements, a table, and one mistake."""

import sqlite3

with sqlite3.connect(":memory:") as connection:
    connection.execute("CREATE TABLE orders (number INTEGER)")
    cursor = connection.cursor()
    cursor.executemany("INSERT INTO orders VALUES (?)", [(1,), (2,)])
    print(cursor.execute("SELECT sum(number) FROM orders").fetchone())
    try:
        cursor.execute("SELECT * FROM nowhere")
    except sqlite3.OperationalError as error:
        print(error)
connection.close()
