"""pymongo talks to a small server on loopback: a command that succeeds and one that fails."""

import struct

import _loopback
import bson
import pymongo
from pymongo.errors import OperationFailure

HELLO = {"ismaster": True, "isWritablePrimary": True, "minWireVersion": 0, "maxWireVersion": 21, "ok": 1}


def answer_to(command):
    if "find" in command:
        return {"cursor": {"id": 0, "ns": "shop.orders", "firstBatch": [{"_id": 7}]}, "ok": 1}
    if "drop" in command:
        return {"ok": 0, "errmsg": "not allowed", "code": 13}
    return HELLO


def serve(reading, writing):
    while head := reading.read(16):
        length, number, _, kind = struct.unpack("<iiii", head)
        body = reading.read(length - 16)
        if kind == 2004:  # OP_QUERY, the first message
            document = bson.encode(HELLO)
            answer = struct.pack("<iqii", 8, 0, 0, 1) + document
            writing.write(struct.pack("<iiii", len(answer) + 16, 0, number, 1) + answer)
            continue
        answer = struct.pack("<iB", 0, 0) + bson.encode(answer_to(bson.decode(body[5:])))
        writing.write(struct.pack("<iiii", len(answer) + 16, 0, number, 2013) + answer)


with _loopback.tcp(serve) as port, pymongo.MongoClient("127.0.0.1", port, directConnection=True) as client:
    print(list(client.shop.orders.find({"_id": 7})))
    try:
        client.shop.orders.drop()
    except OperationFailure as error:
        print(error.code)
