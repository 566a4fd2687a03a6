"""A server and a client of grpc, with generic handlers; one call fails."""

from concurrent.futures import ThreadPoolExecutor

import grpc


def reverse(request, context):
    return request[::-1]


def fail(request, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "no such order")


handlers = {
    "Reverse": grpc.unary_unary_rpc_method_handler(reverse),
    "Fail": grpc.unary_unary_rpc_method_handler(fail),
}
server = grpc.server(ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Text", handlers),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()

with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
    print(channel.unary_unary("/shop.Text/Reverse")(b"abc"))
    try:
        channel.unary_unary("/shop.Text/Fail")(b"")
    except grpc.RpcError as error:
        print(error.code().name)
server.stop(5).wait()
