"""psycopg talks to a small server on loopback; then a connection is refused."""

import struct

import _loopback
import psycopg


def message(kind, body=b""):
    return kind + struct.pack("!i", len(body) + 4) + body


READY = message(b"Z", b"I")
WELCOME = message(b"R", struct.pack("!i", 0)) + b"".join(
    message(b"S", name + b"\0" + value + b"\0")
    for name, value in ((b"server_version", b"17.0"), (b"client_encoding", b"UTF8"))
)
COLUMN = struct.pack("!h", 1) + b"answer\0" + struct.pack("!ihihih", 0, 0, 23, 4, -1, 0)
ROW = message(b"T", COLUMN) + message(b"D", struct.pack("!hi", 1, 2) + b"42") + message(b"C", b"SELECT 1\0")


def serve(reading, writing):
    reading.read(struct.unpack("!i", reading.read(4))[0] - 4)
    writing.write(WELCOME + READY)
    while (kind := reading.read(1)) not in (b"", b"X"):
        reading.read(struct.unpack("!i", reading.read(4))[0] - 4)
        if kind == b"Q":
            writing.write(ROW + READY)


with _loopback.tcp(serve) as port:
    target = f"host=127.0.0.1 port={port} user=ada dbname=shop sslmode=disable gssencmode=disable"
    with psycopg.connect(target, autocommit=True) as connection:
        print(connection.execute("SELECT 42").fetchone())
        with connection.cursor() as cursor:
            print(cursor.execute("SELECT 42").fetchall())
try:
    psycopg.connect("host=127.0.0.1 port=9 user=ada connect_timeout=2")
except psycopg.OperationalError as error:
    print(type(error).__name__)
