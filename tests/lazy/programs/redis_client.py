"""redis talks to a small server on loopback: commands, a pipeline, and an error."""

import _loopback
import redis

data = {}


def serve(reading, writing):
    while head := reading.readline():
        words = [reading.read(int(reading.readline()[1:]) + 2)[:-2] for _ in range(int(head[1:]))]
        command = words[0].upper()
        if command == b"SET":
            data[words[1]] = words[2]
            answer = b"+OK\r\n"
        elif command == b"GET":
            answer = b"$%d\r\n%s\r\n" % (len(data[words[1]]), data[words[1]])
        elif command == b"INCRBY":
            answer = b"-ERR value is not an integer\r\n"
        else:
            answer = b"+OK\r\n"
        writing.write(answer)


with _loopback.tcp(serve) as port:
    client = redis.Redis(port=port, protocol=2)
    client.set("order", "ada")
    print(client.get("order"))
    with client.pipeline(transaction=False) as pipeline:
        print(pipeline.set("a", "1").get("a").execute())
    try:
        client.incr("order")
    except redis.ResponseError as error:
        print(error)
    client.close()
